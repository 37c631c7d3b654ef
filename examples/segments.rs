//! Customer segments, and why columns are scaled first.
//!
//! ```text
//! cargo run --release --example segments [FOLDER]
//! ```
//!
//! 2,000 customers of a made-up shop, of four kinds: income in euros, visits a month, a basket in euros, and the part bought at a discount. Income has by
//! far the largest numbers, so without scaling it decides alone. With each column divided by its standard deviation all four count, and the kinds are
//! found. Writes `segments.svg` into FOLDER (default: `target`).

use centroids::select::{adjusted_rand_index, silhouette_sampled};
use centroids::{KMeans, SeededRng};
use ndarray::{Array1, Array2, Axis};
use plotters::prelude::*;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Means of income, visits, basket and discount; and their spreads, the same for all.
const KINDS: [[f64; 4]; 4] =
    [[38e3, 12.0, 22.0, 0.15], [40e3, 3.0, 70.0, 0.20], [42e3, 5.0, 35.0, 0.75], [70e3, 5.0, 125.0, 0.10]];
const SPREADS: [f64; 4] = [12e3, 1.6, 11.0, 0.09];
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    let (customers, kinds) = shop();
    let spread = customers.std_axis(Axis(0), 0.0);
    let scaled = (&customers - &customers.mean_axis(Axis(0)).ok_or("no customers")?) / &spread;

    println!(" k  silhouette of the scaled columns");
    for k in 2..=7 {
        let model = KMeans::new(k).n_init(5).fit(&scaled)?;
        println!("{k:2}  {:.3}", silhouette_sampled(&scaled, model.labels(), 1000, 1)?.mean);
    }

    let raw = KMeans::new(4).n_init(10).fit(&customers)?;
    let model = KMeans::new(4).n_init(10).fit(&scaled)?;
    println!("\nagreement with the four kinds (adjusted Rand index):");
    println!("  as they are  {:.2}", adjusted_rand_index(&kinds, raw.labels())?);
    println!("  scaled       {:.2}", adjusted_rand_index(&kinds, model.labels())?);

    println!("\nsegment  customers  income  visits  basket  at a discount");
    for (j, size) in model.cluster_sizes().iter().enumerate() {
        let rows: Vec<usize> = (0..customers.nrows()).filter(|&i| model.labels()[i] == j).collect();
        let mean = customers.select(Axis(0), &rows).mean_axis(Axis(0)).ok_or("an empty segment")?;
        println!(
            "{j:7}  {size:9}  {:6.0}  {:6.1}  {:6.1}  {:11.0} %",
            mean[0],
            mean[1],
            mean[2],
            100.0 * mean[3]
        );
    }

    std::fs::create_dir_all(&folder)?;
    let path = folder.join("segments.svg");
    draw(&path, &customers, &[("columns as they are", raw.labels()), ("columns scaled", model.labels())])?;
    println!("\nThe picture is {}.", path.display());
    Ok(())
}

fn shop() -> (Array2<f64>, Array1<usize>) {
    let mut rng = SeededRng::new(3);
    // Twelve uniform numbers add up to nearly a normal one.
    let mut normal = || (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0;
    let kinds = Array1::from_shape_fn(2000, |i| i % 4);
    let value = |(i, t): (usize, usize)| (KINDS[i % 4][t] + SPREADS[t] * normal()).max(0.0);
    (Array2::from_shape_fn((2000, 4), value), kinds)
}

fn draw(path: &Path, customers: &Array2<f64>, labellings: &[(&str, &Array1<usize>)]) -> Outcome<()> {
    let area = SVGBackend::new(path, (1000, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, (name, labels)) in area.split_evenly((1, 2)).iter().zip(labellings) {
        let mut chart = ChartBuilder::on(panel)
            .caption(name, ("sans-serif", 22))
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(50)
            .build_cartesian_2d(0.0..110.0, 0.0..18.0)?;
        let mesh = &mut chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .label_style(("sans-serif", 14))
            .x_desc("income, thousands of euros");
        mesh.y_desc("visits a month").draw()?;
        let dots = customers.rows().into_iter().zip(*labels);
        chart.draw_series(
            dots.map(|(row, &label)| {
                Circle::new((row[0] / 1e3, row[1]), 2, COLOURS[label].mix(0.6).filled())
            }),
        )?;
    }
    area.present()?;
    Ok(())
}
