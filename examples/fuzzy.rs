//! Soft memberships: three groups that overlap, each point in the blend of their colours.
//!
//! ```text
//! cargo run --release --example fuzzy [FOLDER]
//! ```
//!
//! Writes `fuzzy.svg` into FOLDER (default: `target`): the plane and the points in the colours of their memberships, for a fuzzifier close
//! to 1 (nearly k-means) and for 2. Prints what the fuzzifier does to the measures of fuzziness, how many points nobody should
//! label, and what happens in 100 columns.

use centroids::{Error, FuzzyCMeans, FuzzyCMeansModel, SeededRng};
use ndarray::{Array2, ArrayView1};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::PathBuf;

/// Blue, orange and green of Okabe and Ito, which colour-blind readers can tell apart.
const COLOURS: [[f64; 3]; 3] = [[0.0, 114.0, 178.0], [230.0, 159.0, 0.0], [0.0, 158.0, 115.0]];

/// The columns and rows of colour behind the points.
const GRID: (usize, usize) = (84, 78);
const X: (f64, f64) = (-4.0, 10.0);
const Y: (f64, f64) = (-4.0, 9.0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    let data = overlapping(600);

    println!("fuzzifier  partition coefficient  entropy  Xie-Beni  points of less than 60 % membership");
    for m in [1.01, 1.2, 1.5, 2.0, 3.0, 5.0] {
        let model = FuzzyCMeans::new(3).fuzzifier(m).seed(7).fit(&data)?;
        // O(n k), and computed only because it is asked for. For many rows, ask for some at a time.
        let soft = model.predict_memberships(&data)?;
        let unclear = soft.rows().into_iter().filter(|u| u.iter().all(|&u| u < 0.6)).count();
        let xie_beni = model.xie_beni().map_or("-".into(), |index| format!("{index:.3}"));
        let (coefficient, entropy) = (model.partition_coefficient(), model.partition_entropy());
        println!("{m:9}  {coefficient:21.3}  {entropy:7.3}  {xie_beni:>8}  {unclear:10} of {}", data.nrows());
    }
    collapse()?;

    std::fs::create_dir_all(&folder)?;
    let path = folder.join("fuzzy.svg");
    let area = SVGBackend::new(&path, (1100, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    for (area, m) in area.split_evenly((1, 2)).iter().zip([1.1, 2.0]) {
        let model = FuzzyCMeans::new(3).fuzzifier(m).seed(7).fit(&data)?;
        draw(area, &model, &data)?;
    }
    area.present()?;
    println!("\nThe picture is {}.", path.display());
    Ok(())
}

/// With many columns distances become alike, and m = 2 makes all memberships so: the centroids run together. The model says so.
fn collapse() -> Result<(), Error> {
    let mut rng = SeededRng::new(3);
    let data =
        Array2::from_shape_fn((600, 100), |(i, t)| normal(&mut rng) + f64::from(u8::from(t % 3 == i % 3)));
    println!("\nThree groups in 100 columns, not far apart:");
    for m in [2.0, 1.3, 1.05] {
        let model = FuzzyCMeans::new(3).fuzzifier(m).seed(7).fit(&data)?;
        let distinct = model.distinct_centroids();
        let advice = if model.coincident() { ": they coincide, take a fuzzifier closer to 1" } else { "" };
        println!("fuzzifier {m}: {distinct} distinct of {} centroids{advice}", model.n_clusters());
    }
    Ok(())
}

/// Nearly normal: the sum of twelve uniform numbers, less its mean.
fn normal(rng: &mut SeededRng) -> f64 {
    (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0
}

fn overlapping(n: usize) -> Array2<f64> {
    let mut rng = SeededRng::new(1);
    let centres = [[0.0, 0.0], [5.5, 0.5], [2.5, 4.5]];
    Array2::from_shape_fn((n, 2), |(i, t)| centres[i % 3][t] + 1.3 * normal(&mut rng))
}

/// The colours, mixed in the proportions of the memberships, over so much white.
fn blend(memberships: &ArrayView1<'_, f64>, white: f64) -> RGBColor {
    // Squares of the channels mix like light.
    let channel = |c: usize| {
        let light: f64 = memberships.iter().zip(COLOURS).map(|(u, colour)| u * colour[c] * colour[c]).sum();
        (light.sqrt() * (1.0 - white) + 255.0 * white) as u8
    };
    RGBColor(channel(0), channel(1), channel(2))
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    model: &FuzzyCMeansModel<f64>,
    data: &Array2<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut chart = ChartBuilder::on(area)
        .caption(
            format!("m = {}, partition coefficient {:.2}", model.fuzzifier(), model.partition_coefficient()),
            ("sans-serif", 24),
        )
        .margin(14)
        .x_label_area_size(30)
        .y_label_area_size(34)
        .build_cartesian_2d(X.0..X.1, Y.0..Y.1)?;
    chart.configure_mesh().disable_mesh().label_style(("sans-serif", 15)).draw()?;

    let (wide, high) = ((X.1 - X.0) / GRID.0 as f64, (Y.1 - Y.0) / GRID.1 as f64);
    let corner = |cell: usize| (X.0 + (cell % GRID.0) as f64 * wide, Y.0 + (cell / GRID.0) as f64 * high);
    let cells = Array2::from_shape_fn((GRID.0 * GRID.1, 2), |(cell, t)| {
        if t == 0 { corner(cell).0 + wide / 2.0 } else { corner(cell).1 + high / 2.0 }
    });
    let soft = model.predict_memberships(&cells)?;
    chart.draw_series(soft.rows().into_iter().enumerate().map(|(cell, u)| {
        let (x, y) = corner(cell);
        // A little over the edge, so that no white shows between.
        Rectangle::new([(x, y), (x + wide * 1.04, y + high * 1.04)], blend(&u, 0.55).filled())
    }))?;
    let soft = model.predict_memberships(data)?;
    for (row, u) in data.rows().into_iter().zip(soft.rows()) {
        chart.draw_series([
            Circle::new((row[0], row[1]), 4, blend(&u, 0.0).filled()),
            Circle::new((row[0], row[1]), 4, BLACK.mix(0.5).stroke_width(1)),
        ])?;
    }
    chart.draw_series(
        model.centroids().rows().into_iter().map(|c| Cross::new((c[0], c[1]), 9, BLACK.stroke_width(4))),
    )?;
    Ok(())
}
