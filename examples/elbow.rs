//! How many clusters? Draws the inertia against k and marks the knee.
//!
//! ```text
//! cargo run --release --example elbow [FOLDER]
//! ```
//!
//! Writes `elbow.svg` into FOLDER (default: `target`). The data are the four lengths of Fisher's iris flowers (1936).
//!
//! More clusters always bring the inertia down. Up to the knee each one brings it down a lot, for it finds a group; past it, it
//! only cuts a group in pieces. The knee is a suggestion: it depends on the range of k, and on curves that bend softly another
//! answer may be as good. Look at the picture.

use centroids::KMeans;
use centroids::select::{self, Elbow};
use ndarray::Array2;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Blue and vermilion of Okabe and Ito, which colour-blind readers can tell apart.
const CURVE: RGBColor = RGBColor(0, 114, 178);
const KNEE: RGBColor = RGBColor(213, 94, 0);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    let mut lengths = Vec::new();
    for line in include_str!("data/iris.csv").lines().skip(1) {
        for number in line.split(',').take(4) {
            lengths.push(number.parse::<f64>()?);
        }
    }
    let flowers = Array2::from_shape_vec((lengths.len() / 4, 4), lengths)?;

    // Several runs for each k, so that the curve shows the data and not the luck of a start.
    let elbow = select::elbow(&KMeans::new(1).seed(7).n_init(10), 1..=12, &flowers)?;

    println!(" k  inertia (cm²)  explained variance  smallest cluster");
    for point in elbow.points() {
        let smallest = point.model.cluster_sizes().iter().min().unwrap_or(&0);
        let explained = 100.0 * point.explained_variance;
        println!("{:2}  {:13.2}  {explained:16.1} %  {smallest:16}", point.k, point.inertia);
    }
    match elbow.knee() {
        Some(k) => println!("\nThe knee is at k = {k}."),
        None => println!("\nThe curve has no knee."),
    }

    std::fs::create_dir_all(&folder)?;
    let picture = folder.join("elbow.svg");
    draw(&picture, &elbow)?;
    println!("The picture is {}.", picture.display());
    Ok(())
}

fn draw(path: &Path, elbow: &Elbow<f64>) -> Result<(), Box<dyn Error>> {
    let curve: Vec<(f64, f64)> = elbow.points().iter().map(|point| (point.k as f64, point.inertia)).collect();
    let last = curve.last().map_or(1.0, |&(k, _)| k);
    let top = curve.iter().fold(0.0, |top: f64, &(_, inertia)| top.max(inertia)) * 1.08;

    let area = SVGBackend::new(path, (800, 520)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Iris: inertia against the number of clusters", ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(0.5..last + 0.5, 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc("number of clusters k")
        .y_desc("inertia (cm²)")
        .x_labels(curve.len())
        .x_label_formatter(&|k| format!("{k:.0}"))
        .y_label_formatter(&|inertia| format!("{inertia:.0}"))
        .axis_desc_style(("sans-serif", 18))
        .label_style(("sans-serif", 15))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .draw()?;

    chart.draw_series(LineSeries::new(curve.iter().copied(), CURVE.stroke_width(2)))?;
    chart.draw_series(curve.iter().map(|&at| Circle::new(at, 4, CURVE.filled())))?;
    if let Some(point) = elbow.points().iter().find(|point| Some(point.k) == elbow.knee()) {
        let at = (point.k as f64, point.inertia);
        let dashes = DashedLineSeries::new([(at.0, 0.0), (at.0, top)], 6, 5, KNEE.stroke_width(2));
        chart.draw_series(dashes)?;
        chart.draw_series([Circle::new(at, 9, KNEE.stroke_width(3))])?;
        let font = ("sans-serif", 18).into_font().color(&KNEE).pos(Pos::new(HPos::Left, VPos::Center));
        let text =
            format!("knee: k = {}, {:.1} % of the variance", point.k, 100.0 * point.explained_variance);
        chart.draw_series([Text::new(text, (at.0 + 0.2, top * 0.8), font)])?;
    }
    area.present()?;
    Ok(())
}
