//! How many clusters? Every criterion side by side, and a silhouette plot of each cluster.
//!
//! ```text
//! cargo run --release --example choose_k [noise] [FOLDER]
//! ```
//!
//! Writes `choose_k.svg` (`choose_k_noise.svg` with the word `noise`) into FOLDER (default: `target`). The data are the four lengths of Fisher's iris
//! flowers (1936), or as many evenly spread rows, in which there is nothing to find: the curve of the inertia falls there as well, but has no knee.
//!
//! Each small picture has one criterion against k, with its choice marked. The large one has a bar for every row, sorted within its cluster: a knife for
//! each cluster, and the mean as a dashed line. Wide, even knives are clear clusters; thin ends below 0 are rows that fit another better.

use centroids::select::{self, Criterion, Sweep};
use centroids::{KMeans, SeededRng};
use ndarray::Array2;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Okabe and Ito's colours, which colour-blind readers can tell apart.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
];
const CHOICE: RGBColor = RGBColor(213, 94, 0);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let noise = arguments.next_if(|word| word == "noise").is_some();
    let folder = PathBuf::from(arguments.next().unwrap_or("target".into()));
    let rows = if noise { spread(150, 4) } else { iris()? };

    // Several runs for each k, so that the criteria see the data and not the luck of a start.
    let sweep = select::sweep(&KMeans::new(1).seed(7).n_init(10), 1..=10, &rows)?;
    println!("{sweep}");

    // The silhouettes at the k that the silhouette chooses, unless a k is known better.
    let k = sweep.choice(Criterion::Silhouette).unwrap_or(2);
    let ks = if k == 3 { [2, 3] } else { [k, 3] };
    std::fs::create_dir_all(&folder)?;
    let picture = folder.join(if noise { "choose_k_noise.svg" } else { "choose_k.svg" });
    draw(&picture, &sweep, &rows, ks, if noise { "Noise, 150 rows by 4" } else { "Iris" })?;
    println!("The picture is {}.", picture.display());
    Ok(())
}

fn iris() -> Result<Array2<f64>, Box<dyn Error>> {
    let mut lengths = Vec::new();
    for line in include_str!("data/iris.csv").lines().skip(1) {
        for number in line.split(',').take(4) {
            lengths.push(number.parse::<f64>()?);
        }
    }
    Ok(Array2::from_shape_vec((lengths.len() / 4, 4), lengths)?)
}

fn spread(n: usize, d: usize) -> Array2<f64> {
    let mut rng = SeededRng::new(1);
    Array2::from_shape_simple_fn((n, d), || rng.uniform())
}

fn draw(
    path: &Path,
    sweep: &Sweep<f64>,
    rows: &Array2<f64>,
    ks: [usize; 2],
    name: &str,
) -> Result<(), Box<dyn Error>> {
    let whole = SVGBackend::new(path, (1180, 900)).into_drawing_area();
    whole.fill(&WHITE)?;
    let titled = whole.titled(&format!("{name}: how many clusters?"), ("sans-serif", 28))?;
    let (upper, lower) = titled.split_vertically(440);
    let cells = upper.split_evenly((2, 4));
    for (cell, &criterion) in cells.iter().zip(sweep.criteria()) {
        curve(cell, sweep, criterion)?;
    }
    if let Some(cell) = cells.last() {
        choices(cell, sweep)?;
    }
    for (cell, k) in lower.split_evenly((1, 2)).iter().zip(ks) {
        if let Some(point) = sweep.points().iter().find(|point| point.k == k) {
            let values = select::silhouette_values(rows, point.model.labels())?;
            knives(cell, k, point.model.labels().as_slice().unwrap_or(&[]), &values.to_vec())?;
        }
    }
    whole.present()?;
    Ok(())
}

/// One criterion against k, with its choice.
fn curve(area: &Area<'_>, sweep: &Sweep<f64>, criterion: Criterion) -> Result<(), Box<dyn Error>> {
    let defined = sweep.values(criterion).into_iter().filter_map(|(k, v)| v.map(|v| (k as f64, v)));
    let points: Vec<(f64, f64)> = defined.collect();
    // The gap is drawn with its standard errors.
    let error = |k: f64| {
        let point = sweep.points().iter().find(|point| point.k == k as usize && criterion == Criterion::Gap);
        point.and_then(|point| point.gap_error).unwrap_or(0.0)
    };
    let low = points.iter().map(|point| point.1 - error(point.0)).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.1 + error(point.0)).fold(f64::NEG_INFINITY, f64::max);
    let room = 0.08 * (high - low);
    let last = sweep.points().last().map_or(1, |point| point.k) as f64;
    let choice = sweep.choice(criterion);
    let says = choice.map_or("none".to_owned(), |k| format!("k = {k}"));
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{criterion}: {says}"), ("sans-serif", 17))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(52)
        .build_cartesian_2d(0.5..last + 0.5, low - room..high + room)?;
    chart
        .configure_mesh()
        .x_labels(10)
        .y_labels(5)
        .x_label_formatter(&|k| format!("{k:.0}"))
        .y_label_formatter(&|value| ((value * 1e3).round() / 1e3 + 0.0).to_string())
        .label_style(("sans-serif", 13))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), COLOURS[0].stroke_width(2)))?;
    chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, COLOURS[0].filled())))?;
    let bar = |&(k, value): &(f64, f64)| {
        PathElement::new([(k, value - error(k)), (k, value + error(k))], COLOURS[0].stroke_width(1))
    };
    chart.draw_series(points.iter().filter(|point| error(point.0) > 0.0).map(bar))?;
    let chosen = points.iter().filter(|point| choice == Some(point.0 as usize));
    chart.draw_series(chosen.map(|&at| Circle::new(at, 7, CHOICE.stroke_width(3))))?;
    Ok(())
}

/// How many criteria choose each k.
fn choices(area: &Area<'_>, sweep: &Sweep<f64>) -> Result<(), Box<dyn Error>> {
    let last = sweep.points().last().map_or(1, |point| point.k);
    let votes =
        |k: usize| sweep.criteria().iter().filter(|&&criterion| sweep.choice(criterion) == Some(k)).count();
    let mut chart = ChartBuilder::on(area)
        .caption("criteria that choose k", ("sans-serif", 17))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(52)
        .build_cartesian_2d(0.5..last as f64 + 0.5, 0.0..sweep.criteria().len() as f64 + 0.5)?;
    chart
        .configure_mesh()
        .x_labels(10)
        .y_labels(7)
        .x_label_formatter(&|k| format!("{k:.0}"))
        .y_label_formatter(&|votes| format!("{votes:.0}"))
        .label_style(("sans-serif", 13))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .draw()?;
    let bar = |k: usize| {
        let k_at = k as f64;
        Rectangle::new([(k_at - 0.3, 0.0), (k_at + 0.3, votes(k) as f64)], CHOICE.filled())
    };
    chart.draw_series((1..=last).filter(|&k| votes(k) > 0).map(bar))?;
    Ok(())
}

/// The silhouette of every row, cluster by cluster.
fn knives(area: &Area<'_>, k: usize, labels: &[usize], values: &[f64]) -> Result<(), Box<dyn Error>> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let lowest = values.iter().copied().fold(0.0, f64::min);
    let highest = values.iter().copied().fold(0.0, f64::max);
    let gap = values.len() as f64 * 0.03;
    let height = values.len() as f64 + gap * (k + 1) as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("silhouettes for k = {k}, mean {mean:.2}"), ("sans-serif", 19))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(20)
        .build_cartesian_2d((lowest - 0.05).min(-0.1)..highest + 0.35, height..0.0)?;
    chart
        .configure_mesh()
        .x_desc("silhouette")
        .x_labels(12)
        .y_labels(0)
        .disable_y_mesh()
        .x_label_formatter(&|x| if *x > 1.0 { String::new() } else { format!("{x:.1}") })
        .axis_desc_style(("sans-serif", 15))
        .label_style(("sans-serif", 13))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .draw()?;
    let mut top = gap;
    for cluster in 0..k {
        let mut own: Vec<f64> =
            labels.iter().zip(values).filter(|row| *row.0 == cluster).map(|row| *row.1).collect();
        own.sort_by(|a, b| b.total_cmp(a));
        let colour = COLOURS[cluster % COLOURS.len()];
        let bars = own.iter().enumerate().map(|(i, &value)| {
            let y = top + i as f64;
            Rectangle::new([(0.0, y), (value, y + 1.0)], colour.filled())
        });
        chart.draw_series(bars)?;
        let own_mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
        let text = format!("{} rows, mean {own_mean:.2}", own.len());
        let at = (own.first().unwrap_or(&0.0) + 0.02, top + own.len() as f64 / 2.0);
        let font = ("sans-serif", 15).into_font().color(&colour).pos(Pos::new(HPos::Left, VPos::Center));
        chart.draw_series([Text::new(text, at, font)])?;
        top += own.len() as f64 + gap;
    }
    chart.draw_series(DashedLineSeries::new([(mean, 0.0), (mean, height)], 6, 5, BLACK.stroke_width(1)))?;
    Ok(())
}
