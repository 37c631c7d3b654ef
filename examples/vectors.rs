//! A small vector database: an inverted file with product-quantised vectors, and what it costs in recall.
//!
//! ```text
//! cargo run --release --example vectors [FOLDER]
//! ```
//!
//! 50,000 vectors of 64 numbers are put into 256 lists, each by its nearest centroid, and a query looks only into the lists of the centroids nearest to it: more probes,
//! more work, more of the true neighbours. What is stored of a vector is its difference from its centroid, in 8 bytes instead of 256: one byte for
//! each 8 columns, the number of the nearest of 256 centroids of these columns (Jégou, Douze and Schmid 2011). The best 100 by these codes are then ranked by the vectors themselves.
//! Writes `vectors.svg` into FOLDER (default: `target`).

use centroids::{KMeans, KMeansModel, SeededRng};
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use plotters::prelude::*;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const COLUMNS: usize = 64;
const LISTS: usize = 256;
/// Columns to a byte.
const PART: usize = 8;
const NEIGHBOURS: usize = 10;
const RANKED: usize = 100;
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);

/// Vectors by list, and their codes.
struct Index {
    coarse: KMeansModel<f32>,
    books: Vec<KMeansModel<f32>>,
    lists: Vec<Vec<usize>>,
    codes: Array2<u8>,
}

impl Index {
    fn new(vectors: &Array2<f32>) -> Result<Self, centroids::Error> {
        let coarse = KMeans::new(LISTS).max_iter(20).fit(vectors)?;
        let mut lists = vec![Vec::new(); LISTS];
        coarse.labels().iter().enumerate().for_each(|(i, &list)| lists[list].push(i));
        let rest = vectors - &coarse.centroids().select(Axis(0), &coarse.labels().to_vec());
        let mut codes = Array2::zeros((vectors.nrows(), COLUMNS / PART));
        let mut books = Vec::new();
        for part in 0..COLUMNS / PART {
            // Some columns of all rows: a view, which the fit copies once.
            let book =
                KMeans::new(256).max_iter(20).fit(&rest.slice(s![.., part * PART..(part + 1) * PART]))?;
            codes.column_mut(part).zip_mut_with(book.labels(), |code, &label| *code = label as u8);
            books.push(book);
        }
        Ok(Index { coarse, books, lists, codes })
    }

    /// The nearest vectors by their codes in so many lists, nearest first; and how many codes were looked at.
    fn search(&self, query: ArrayView1<'_, f32>, probes: usize) -> (Vec<usize>, usize) {
        let distance = |centroid: ArrayView1<'_, f32>| square(query, centroid);
        let mut near: Vec<(f32, usize)> =
            self.coarse.centroids().rows().into_iter().map(distance).zip(0..).collect();
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (mut found, mut seen) = (Vec::new(), 0);
        for &(_, list) in &near[..probes] {
            // How far the query is from every entry of every book: a code is then eight look-ups.
            let rest = &query - &self.coarse.centroids().row(list);
            let tables: Vec<Vec<f32>> = (self.books.iter().zip(rest.exact_chunks(PART)))
                .map(|(book, rest)| {
                    book.centroids().rows().into_iter().map(|entry| square(rest, entry)).collect()
                })
                .collect();
            for &i in &self.lists[list] {
                let codes = self.codes.row(i);
                let distance: f32 = tables.iter().zip(codes).map(|(table, &code)| table[code as usize]).sum();
                found.push((distance, i));
            }
            seen += self.lists[list].len();
        }
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        (found.into_iter().map(|part| part.1).take(RANKED).collect(), seen)
    }
}

fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("target".into()));
    let all = embeddings(50_200);
    let (vectors, queries) = (all.slice(s![..50_000, ..]).to_owned(), all.slice(s![50_000.., ..]));
    let started = std::time::Instant::now();
    let index = Index::new(&vectors)?;
    println!(
        "{} vectors of {COLUMNS} numbers, indexed in {:.1} s",
        vectors.nrows(),
        started.elapsed().as_secs_f64()
    );
    println!("{} bytes a vector instead of {}\n", index.codes.ncols(), 4 * COLUMNS);

    let truth: Vec<Vec<usize>> =
        queries.rows().into_iter().map(|query| nearest(&vectors, query, None)).collect();
    println!("probes  vectors seen  recall@{NEIGHBOURS} by codes  and ranked again");
    let mut curves = [Vec::new(), Vec::new()];
    for probes in [1, 2, 4, 8, 16, 32, 64] {
        let (mut seen, mut hits) = (0, [0; 2]);
        for (query, truth) in queries.rows().into_iter().zip(&truth) {
            let (found, looked) = index.search(query, probes);
            seen += looked;
            let ranked = nearest(&vectors, query, Some(&found));
            for (hits, found) in hits.iter_mut().zip([&found, &ranked]) {
                *hits += found.iter().take(NEIGHBOURS).filter(|i| truth.contains(i)).count();
            }
        }
        let recall = hits.map(|hits| hits as f64 / (NEIGHBOURS * truth.len()) as f64);
        let part = 100.0 * seen as f64 / (vectors.nrows() * truth.len()) as f64;
        println!("{probes:6}  {part:10.1} %  {:18.3}  {:16.3}", recall[0], recall[1]);
        curves.iter_mut().zip(recall).for_each(|(curve, recall)| curve.push((probes as f64, recall)));
    }

    std::fs::create_dir_all(&folder)?;
    let path = folder.join("vectors.svg");
    draw(&path, &curves)?;
    println!("\nThe picture is {}.", path.display());
    Ok(())
}

fn square(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The true nearest, among some rows or all.
fn nearest(vectors: &Array2<f32>, query: ArrayView1<'_, f32>, among: Option<&[usize]>) -> Vec<usize> {
    let mut rows: Vec<(f32, usize)> = match among {
        Some(rows) => rows.iter().map(|&i| (square(vectors.row(i), query), i)).collect(),
        None => vectors.rows().into_iter().map(|row| square(row, query)).zip(0..).collect(),
    };
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|part| part.1).take(NEIGHBOURS).collect()
}

/// Like embeddings: 500 topics, whose vectors vary along 12 hidden directions, and a little in all others.
fn embeddings(n: usize) -> Array2<f32> {
    let mut rng = SeededRng::new(6);
    let mut normal = || (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0;
    let topics = Array2::from_shape_fn((500, COLUMNS), |_| normal() as f32);
    let directions = Array2::from_shape_fn((12, COLUMNS), |_| 0.25 * normal() as f32);
    let mut vectors = Array2::zeros((n, COLUMNS));
    for (i, mut vector) in vectors.rows_mut().into_iter().enumerate() {
        let hidden = Array1::from_shape_fn(12, |_| normal() as f32);
        vector.assign(&(&topics.row(i * 7919 % 500) + &hidden.dot(&directions)));
        vector.mapv_inplace(|x| x + 0.15 * normal() as f32);
    }
    vectors
}

fn draw(path: &Path, curves: &[Vec<(f64, f64)>; 2]) -> Outcome<()> {
    let area = SVGBackend::new(path, (760, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("true neighbours found", ("sans-serif", 22))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(54)
        .build_cartesian_2d((0.9..70.0).log_scale(), 0.0..1.02)?;
    let mesh = &mut chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 14))
        .x_label_formatter(&|x| format!("{x:.0}"));
    mesh.x_desc(format!("probes, of {LISTS} lists")).y_desc("recall").draw()?;
    for (curve, colour, name) in
        [(&curves[0], ORANGE, "by codes of 8 bytes"), (&curves[1], BLUE, "the best 100 ranked again")]
    {
        chart
            .draw_series(LineSeries::new(curve.iter().copied(), colour.stroke_width(2)).point_size(4))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
    }
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
