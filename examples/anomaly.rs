//! Anomalies: rows that are far from every centroid.
//!
//! ```text
//! cargo run --release --example anomaly [FOLDER]
//! ```
//!
//! A machine has five ways of running, and its two sensors are seldom anywhere else. The model learns them from a good week. The distance of a new reading to
//! its nearest centroid is its score; the threshold is a quantile of the scores of the good week, so it says how many false alarms are accepted. Writes
//! `anomaly.svg` into FOLDER (default: `target`).

use centroids::{KMeans, KMeansModel, SeededRng};
use ndarray::{Array1, Array2, concatenate};
use plotters::prelude::*;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const WAYS: [[f64; 2]; 5] = [[20.0, 1.0], [35.0, 2.5], [50.0, 2.0], [62.0, 4.2], [30.0, 4.5]];
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);
/// Degrees and bar: of the distances, one of these counts as much as one of the others.
const SCALE: [f64; 2] = [10.0, 1.0];

fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    let mut rng = SeededRng::new(8);
    let week = readings(&mut rng, 5000);
    let model = KMeans::new(5).n_init(5).fit(&week)?;
    let mut usual = scores(&model, &week)?.to_vec();
    usual.sort_by(f64::total_cmp);

    // Then come good readings, and faults anywhere.
    let faults =
        Array2::from_shape_fn((100, 2), |(_, t)| [1.0 + 6.5 * rng.uniform(), 6.0 * rng.uniform()][t]);
    let new = concatenate![ndarray::Axis(0), readings(&mut rng, 2000), faults];
    let score = scores(&model, &new)?;

    println!("quantile  threshold  alarms  faults found  false alarms");
    for quantile in [0.95, 0.99, 0.995, 0.999] {
        let threshold = at(&usual, quantile);
        let alarms: Vec<usize> = (0..new.nrows()).filter(|&i| score[i] > threshold).collect();
        let found = alarms.iter().filter(|&&i| i >= 2000).count();
        let (all, part) = (alarms.len(), (alarms.len() - found) as f64 / 20.0);
        println!("{quantile:8}  {threshold:9.3}  {all:6}  {found:5} of 100  {part:10.2} %");
    }
    println!("\nFaults that look like a way of running cannot be found by any threshold.");

    std::fs::create_dir_all(&folder)?;
    let path = folder.join("anomaly.svg");
    draw(&path, &model, &new, &score, at(&usual, 0.995))?;
    println!("The picture is {}.", path.display());
    Ok(())
}

/// The value that this part of the sorted ones does not exceed.
fn at(sorted: &[f64], quantile: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * quantile) as usize]
}

/// The distance of each row to its nearest centroid.
fn scores(model: &KMeansModel<f64>, rows: &Array2<f64>) -> Result<Array1<f64>, centroids::Error> {
    Ok(model.transform(rows)?.map_axis(ndarray::Axis(1), |row| row.fold(f64::INFINITY, |a, &b| a.min(b))))
}

/// Temperature and pressure, in units that are about as wide.
fn readings(rng: &mut SeededRng, n: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, 2), |(i, t)| {
        let normal = (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0;
        WAYS[i % 5][t] / SCALE[t] + normal * 0.22
    })
}

fn draw(
    path: &Path,
    model: &KMeansModel<f64>,
    rows: &Array2<f64>,
    score: &Array1<f64>,
    threshold: f64,
) -> Outcome<()> {
    let area = SVGBackend::new(path, (900, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("readings farther than the threshold from every centroid", ("sans-serif", 22))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(50)
        .build_cartesian_2d(5.0..80.0, -0.5..6.5)?;
    let mesh = &mut chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT).label_style(("sans-serif", 14)).x_desc("temperature, °C");
    mesh.y_desc("pressure, bar").draw()?;
    let place = |row: ndarray::ArrayView1<'_, f64>| (row[0] * SCALE[0], row[1] * SCALE[1]);
    for (alarm, colour, name) in [(false, BLUE.mix(0.35), "no alarm"), (true, ORANGE.mix(0.9), "alarm")] {
        let rows = rows.rows().into_iter().zip(score).filter(|part| (*part.1 > threshold) == alarm);
        chart
            .draw_series(rows.map(|(row, _)| Circle::new(place(row), 3, colour.filled())))?
            .label(name)
            .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
    }
    // A circle of the threshold, as wide and as high as the scales make it.
    for centroid in model.centroids().rows() {
        let around = (0..=60).map(|step| {
            let (sin, cos) = (f64::from(step) / 60.0 * std::f64::consts::TAU).sin_cos();
            ((centroid[0] + threshold * cos) * SCALE[0], (centroid[1] + threshold * sin) * SCALE[1])
        });
        chart.draw_series(LineSeries::new(around, BLACK.mix(0.6)))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 16))
        .border_style(BLACK.mix(0.3))
        .background_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}
