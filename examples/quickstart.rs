//! Fits Fisher's iris flowers, prints what was found, and draws it.
//!
//! ```text
//! cargo run --release --example quickstart [FOLDER]
//! ```
//!
//! Writes `iris.svg` into FOLDER (default: `target`). The 150 flowers of `examples/data/iris.csv` are Fisher's (1936): four lengths in
//! cm each, and a species that the fit does not see.

use centroids::{KMeans, KMeansModel};
use ndarray::{Array2, array};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// Blue, orange and green of Okabe and Ito, which colour-blind readers can tell apart.
const COLOURS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115)];

fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    let (flowers, species) = read(include_str!("data/iris.csv"))?;

    // All columns are lengths in cm, so distances between rows mean something as they are. Columns of different units
    // would have to be scaled first, or the one with the largest numbers would decide alone.
    let model = KMeans::new(3).seed(7).n_init(10).fit(&flowers)?;

    report(&model, &species);
    let new = array![6.0, 3.1, 4.6, 1.4];
    println!("\nA new flower, {new} cm, belongs to cluster {}.", model.predict_one(&new)?);

    std::fs::create_dir_all(&folder)?;
    let picture = folder.join("iris.svg");
    draw(&picture, &model, &flowers, &species)?;
    println!("The picture is {}.", picture.display());
    Ok(())
}

/// The lengths, (150, 4), and for each flower the index of its species.
fn read(csv: &str) -> Outcome<(Array2<f64>, Vec<usize>)> {
    let (mut lengths, mut species) = (Vec::new(), Vec::new());
    for line in csv.lines().skip(1) {
        let (numbers, name) = line.rsplit_once(',').ok_or("a line without a comma")?;
        for number in numbers.split(',') {
            lengths.push(number.parse()?);
        }
        species.push(SPECIES.iter().position(|&known| known == name).ok_or("an unknown species")?);
    }
    Ok((Array2::from_shape_vec((species.len(), 4), lengths)?, species))
}

fn report(model: &KMeansModel<f64>, species: &[usize]) {
    println!("               centroid (cm)                        flowers of each species");
    println!("cluster  rows  sepal length  width  petal length  width  setosa  versicolor  virginica");
    for (cluster, centroid) in model.centroids().outer_iter().enumerate() {
        let mut found = [0; 3];
        for (&label, &species) in model.labels().iter().zip(species) {
            found[species] += usize::from(label == cluster);
        }
        let size = model.cluster_sizes()[cluster];
        print!("{cluster:7}  {size:4}");
        print!("  {:12.2}  {:5.2}  {:12.2}  {:5.2}", centroid[0], centroid[1], centroid[2], centroid[3]);
        println!("  {:6}  {:10}  {:9}", found[0], found[1], found[2]);
    }
    let (inertia, iterations, reason) = (model.inertia(), model.n_iter(), model.stop_reason());
    println!("\nInertia {inertia:.4} cm², after {iterations} iterations; stopped because: {reason:?}.");
}

type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Petal length against petal width. The colour of a mark is the cluster, its shape the species.
fn draw(path: &Path, model: &KMeansModel<f64>, flowers: &Array2<f64>, species: &[usize]) -> Outcome<()> {
    let area = SVGBackend::new(path, (800, 600)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Iris flowers in three clusters", ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(0.5..7.5, 0.0..2.75)?;
    chart
        .configure_mesh()
        .x_desc("petal length (cm)")
        .y_desc("petal width (cm)")
        .axis_desc_style(("sans-serif", 18))
        .label_style(("sans-serif", 15))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .draw()?;

    for (row, (&cluster, &species)) in flowers.outer_iter().zip(model.labels().iter().zip(species)) {
        mark(&mut chart, (row[2], row[3]), species, COLOURS[cluster].mix(0.75).filled())?;
    }
    for centroid in model.centroids().outer_iter() {
        cross(&mut chart, (centroid[2], centroid[3]))?;
    }

    // The key, in the empty corner.
    let mut line = (0..7).map(|line| (0.7, 2.62 - 0.13 * f64::from(line)));
    let mut key = |chart: &mut Chart, name: &str| -> Outcome<(f64, f64)> {
        let at = line.next().expect("seven lines");
        let font = ("sans-serif", 16).into_font().color(&BLACK).pos(Pos::new(HPos::Left, VPos::Center));
        chart.draw_series([Text::new(name.to_string(), (at.0 + 0.15, at.1), font)])?;
        Ok(at)
    };
    for (cluster, (colour, size)) in COLOURS.iter().zip(model.cluster_sizes()).enumerate() {
        let at = key(&mut chart, &format!("cluster {cluster}: {size} flowers"))?;
        chart.draw_series([EmptyElement::at(at) + Rectangle::new([(-7, -7), (7, 7)], colour.filled())])?;
    }
    for (species, name) in SPECIES.iter().enumerate() {
        let at = key(&mut chart, name)?;
        mark(&mut chart, at, species, BLACK.mix(0.6).filled())?;
    }
    let at = key(&mut chart, "centroid")?;
    cross(&mut chart, at)?;
    area.present()?;
    Ok(())
}

/// A circle, a triangle or a square.
fn mark(chart: &mut Chart, at: (f64, f64), species: usize, style: ShapeStyle) -> Outcome<()> {
    match species {
        0 => chart.draw_series([Circle::new(at, 5, style)])?,
        1 => chart.draw_series([TriangleMarker::new(at, 6, style)])?,
        _ => chart.draw_series([EmptyElement::at(at) + Rectangle::new([(-4, -4), (5, 5)], style)])?,
    };
    Ok(())
}

/// A cross in a white disc.
fn cross(chart: &mut Chart, at: (f64, f64)) -> Outcome<()> {
    chart.draw_series([Circle::new(at, 9, WHITE.filled())])?;
    chart.draw_series([Circle::new(at, 9, BLACK.stroke_width(2))])?;
    chart.draw_series([Cross::new(at, 4, BLACK.stroke_width(2))])?;
    Ok(())
}
