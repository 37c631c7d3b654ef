//! Distances to centroids as features for a linear model.
//!
//! ```text
//! cargo run --release --example features [FOLDER]
//! ```
//!
//! What is to be predicted is a hilly surface over four columns, and a straight line through it explains little. The distances of a row to k centroids, passed through
//! a bell curve, say where in the data it lies, and a line through those follows the hills. The model is fitted to half of the rows and judged by the other
//! half: R² is the part of the variance it explains there. Writes `features.svg` into FOLDER (default: `target`).

use centroids::{KMeans, SeededRng};
use ndarray::{Array1, Array2, Axis, concatenate, s};
use plotters::prelude::*;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);

fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    let (rows, heights) = hills(6000);
    let line = explained(&rows, &heights)?;
    println!("    k  R² with distance features");
    let mut curve = Vec::new();
    for k in [5, 10, 20, 40, 80, 160, 320] {
        // The centroids may see all rows: they do not know the heights.
        let model = KMeans::new(k).fit(&rows)?;
        // Bells as wide as clusters are.
        let width = (model.inertia() / rows.nrows() as f64).sqrt() * 1.5;
        let bells = model.transform(&rows)?.mapv(|distance| (-0.5 * (distance / width).powi(2)).exp());
        let features = concatenate![Axis(1), rows, bells];
        let part = explained(&features, &heights)?;
        println!("{k:5}  {part:.3}");
        curve.push((k as f64, part));
    }
    println!(" none  {line:.3} (the columns alone)");

    std::fs::create_dir_all(&folder)?;
    let path = folder.join("features.svg");
    draw(&path, &curve, line)?;
    println!("\nThe picture is {}.", path.display());
    Ok(())
}

/// Rows in the unit cube, and the height of each, with some noise.
fn hills(n: usize) -> (Array2<f64>, Array1<f64>) {
    let mut rng = SeededRng::new(4);
    let rows = Array2::from_shape_fn((n, 4), |_| rng.uniform());
    let heights = rows.map_axis(Axis(1), |x| {
        let noise = rng.uniform() - 0.5;
        (5.0 * x[0]).sin() * (4.0 * x[1]).cos() + 2.0 * (x[2] - 0.5).powi(2) + x[3] + 0.2 * noise
    });
    (rows, heights)
}

/// R² on the second half of the rows, of the line through the first half.
fn explained(features: &Array2<f64>, heights: &Array1<f64>) -> Outcome<f64> {
    let (n, half) = (features.nrows(), features.nrows() / 2);
    let features = concatenate![Axis(1), features.view(), Array2::ones((n, 1))];
    let (known, new) = (features.slice(s![..half, ..]), features.slice(s![half.., ..]));
    // The normal equations, a little stiffened so that features that say the same do no harm.
    let mut matrix = known.t().dot(&known);
    matrix.diag_mut().mapv_inplace(|x| x + 1e-6 * half as f64);
    let line = solve(matrix, known.t().dot(&heights.slice(s![..half])));
    let truth = heights.slice(s![half..]);
    let mean = truth.mean().ok_or("no rows")?;
    let missed = (&truth - &new.dot(&line)).mapv(|x| x * x).sum();
    Ok(1.0 - missed / truth.mapv(|x| (x - mean) * (x - mean)).sum())
}

/// Gauss without pivots, which a positive definite matrix does not need.
fn solve(mut matrix: Array2<f64>, mut right: Array1<f64>) -> Array1<f64> {
    let n = right.len();
    for i in 0..n {
        for j in i + 1..n {
            let factor = matrix[[j, i]] / matrix[[i, i]];
            let (above, mut below) = matrix.multi_slice_mut((s![i, i..], s![j, i..]));
            below.scaled_add(-factor, &above);
            right[j] -= factor * right[i];
        }
    }
    for i in (0..n).rev() {
        let known = matrix.slice(s![i, i + 1..]).dot(&right.slice(s![i + 1..]));
        right[i] = (right[i] - known) / matrix[[i, i]];
    }
    right
}

fn draw(path: &Path, curve: &[(f64, f64)], line: f64) -> Outcome<()> {
    let area = SVGBackend::new(path, (760, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("variance explained on new rows", ("sans-serif", 22))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(54)
        .build_cartesian_2d((4.0..400.0).log_scale(), 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 14))
        .x_desc("centroids")
        .y_desc("R²")
        .draw()?;
    let columns = [(4.0, line), (400.0, line)];
    chart
        .draw_series(LineSeries::new(columns, ORANGE.stroke_width(2)))?
        .label("the columns alone")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], ORANGE.stroke_width(2)));
    chart
        .draw_series(LineSeries::new(curve.iter().copied(), BLUE.stroke_width(2)).point_size(4))?
        .label("with distances to centroids")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], BLUE.stroke_width(2)));
    let number = |&(k, value): &(f64, f64)| Text::new(format!("{k}"), (k, value - 0.03), ("sans-serif", 14));
    chart.draw_series(curve.iter().map(number))?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 16))
        .border_style(BLACK.mix(0.3))
        .background_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}
