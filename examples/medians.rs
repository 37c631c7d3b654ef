//! Outliers move means, but not medians.
//!
//! ```text
//! cargo run --release --example medians [FOLDER]
//! ```
//!
//! Three groups, and more and more rows that are broken: a sensor that sometimes adds a large error to the first of its two values.
//! k-means and k-medians start from the same rows and without `n_init`; the table says how far their centroids end from the groups'
//! true centres. Writes `medians.svg` into FOLDER (default: `target`).

use centroids::{KMeans, KMedians, SeededRng};
use ndarray::{Array2, array};
use plotters::prelude::*;
use std::path::PathBuf;

const CENTRES: [[f64; 2]; 3] = [[0.0, 0.0], [10.0, 0.0], [5.0, 8.0]];
const ROWS: usize = 600;
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    // Near the centres, so that the two differ by what they average and not by where they end up.
    let start = array![[0.5, 0.5], [9.5, 0.5], [5.0, 7.0]];
    println!(
        "broken rows  k-means off by  k-medians off by  (largest distance of a centroid to its true centre)"
    );
    let mut pictured = None;
    for broken in [0, 6, 18, 36, 60, 90] {
        let data = readings(broken);
        let means = KMeans::new(3).init(start.clone()).fit(&data)?;
        let medians = KMedians::new(3).init(start.clone()).fit(&data)?;
        let (mean, median) = (off(means.centroids()), off(medians.centroids()));
        println!("{:9} %  {mean:14.2}  {median:16.2}", 100 * broken / ROWS);
        if broken == 36 {
            pictured = Some((data, means.centroids().clone(), medians.centroids().clone()));
        }
    }
    let (data, means, medians) = pictured.ok_or("36 is one of them")?;
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("medians.svg");
    draw(&path, &data, &means, &medians)?;
    println!("\nThe picture is {}.", path.display());
    Ok(())
}

/// The largest distance between a centre and the centroid nearest to it.
fn off(centroids: &Array2<f64>) -> f64 {
    let distance = |centre: &[f64; 2]| {
        let distances = centroids.rows().into_iter().map(|c| (c[0] - centre[0]).hypot(c[1] - centre[1]));
        distances.fold(f64::INFINITY, f64::min)
    };
    CENTRES.iter().map(distance).fold(0.0, f64::max)
}

fn readings(broken: usize) -> Array2<f64> {
    let mut rng = SeededRng::new(5);
    let mut data = Array2::from_shape_fn((ROWS, 2), |(i, t)| {
        CENTRES[i % 3][t] + (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0
    });
    for i in 0..broken {
        data[[i, 0]] += 15.0 + 25.0 * rng.uniform();
    }
    data
}

fn draw(
    path: &std::path::Path,
    data: &Array2<f64>,
    means: &Array2<f64>,
    medians: &Array2<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(path, (900, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("6 % of the rows are broken", ("sans-serif", 24))
        .margin(14)
        .x_label_area_size(30)
        .y_label_area_size(34)
        .build_cartesian_2d(-5.0..52.0, -5.0..13.0)?;
    chart.configure_mesh().light_line_style(TRANSPARENT).label_style(("sans-serif", 15)).draw()?;
    chart.draw_series(
        data.rows().into_iter().map(|row| Circle::new((row[0], row[1]), 3, BLACK.mix(0.3).filled())),
    )?;
    let cross =
        |c: &[f64], colour: RGBColor, size: i32| Cross::new((c[0], c[1]), size, colour.stroke_width(5));
    // The first is larger, to be seen behind the second.
    for (centroids, colour, name, size) in [(means, ORANGE, "k-means", 15), (medians, BLUE, "k-medians", 8)] {
        let points: Vec<Vec<f64>> = centroids.rows().into_iter().map(|row| row.to_vec()).collect();
        chart
            .draw_series(points.iter().map(|c| cross(c, colour, size)))?
            .label(name)
            .legend(move |(x, y)| Cross::new((x + 8, y), 7, colour.stroke_width(4)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 18))
        .border_style(BLACK.mix(0.3))
        .background_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}
