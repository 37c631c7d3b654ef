//! A tree of clusters: flowers divided again and again.
//!
//! ```text
//! cargo run --release --example hierarchy
//! ```
//!
//! Bisecting k-means divides Fisher's 150 iris flowers in two, then the half with the largest inertia, and so on. One fit has the clusters for every
//! number up to its own; the table says how much larger their inertia is than that of k-means, which starts anew for each.

use centroids::{BisectingKMeans, BisectingKMeansModel, KMeans};
use ndarray::Array2;

const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut values, mut species) = (Vec::new(), Vec::new());
    for line in include_str!("data/iris.csv").lines().skip(1) {
        let (lengths, name) = line.rsplit_once(',').ok_or("a line without a comma")?;
        for length in lengths.split(',') {
            values.push(length.parse::<f64>()?);
        }
        species.push(SPECIES.iter().position(|&known| known == name).ok_or("an unknown species")?);
    }
    let flowers = Array2::from_shape_vec((species.len(), 4), values)?;
    let model = BisectingKMeans::new(8).n_init(10).fit(&flowers)?;

    println!("node: flowers, inertia; and what is in the clusters");
    show(&model, &species, 0, 0);
    println!("\n k  inertia of the cut  of k-means");
    for k in 1..=model.n_clusters() {
        let plain = KMeans::new(k).n_init(10).fit(&flowers)?;
        println!("{k:2}  {:18.2}  {:10.2}", model.cut(k)?.inertia(), plain.inertia());
    }
    Ok(())
}

/// A node, and below it those that it was divided into.
fn show(model: &BisectingKMeansModel<f64>, species: &[usize], at: usize, depth: usize) {
    let node = model.tree()[at];
    print!("{:indent$}{at}: {} flowers, {:.1}", "", node.size, node.inertia, indent = 4 * depth);
    if let Some(label) = node.label {
        let count = |kind: usize| {
            model.labels().iter().zip(species).filter(|&(&l, &s)| (l, s) == (label, kind)).count()
        };
        let kinds =
            (0..3).filter(|&kind| count(kind) > 0).map(|kind| format!("{} {}", count(kind), SPECIES[kind]));
        print!(" ({})", kinds.collect::<Vec<_>>().join(", "));
    }
    println!();
    for child in node.children.into_iter().flatten() {
        show(model, species, child, depth + 1);
    }
}
