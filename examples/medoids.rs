//! Things without columns: place names, as people typed them, around the spellings that are nearest to all.
//!
//! ```text
//! cargo run --release --example medoids
//! ```
//!
//! Strings have no mean, but an edit distance: how many letters must be changed, added or removed to make one of the other.
//! k-medoids needs no more than the matrix of these. The medoid silhouette says how many clusters there are.

use centroids::KMedoids;
use ndarray::Array2;

const TYPED: &str = "Manchester Manchestr Mancester Manchaster Machester Manchesterr \
    Birmingham Birmingam Brimingham Birminham Birmingahm Bermingham \
    Edinburgh Edinborough Edinburg Edinbrugh Edinburh \
    Liverpool Liverpol Livrepool Liverpoool Leverpool \
    Newcastle Newcastel Newcassle Newcasle Newcaste";

fn main() -> Result<(), centroids::Error> {
    let words: Vec<&str> = TYPED.split_whitespace().collect();
    let n = words.len();
    let matrix = Array2::from_shape_fn((n, n), |(i, j)| edits(words[i], words[j]) as f32);

    println!(" k  edits in all  silhouette");
    let mut best = None;
    for k in 2..=9 {
        let medoids = KMedoids::new(k).n_init(5).fit_matrix(&matrix)?;
        let silhouette = medoids.silhouette().unwrap_or(0.0);
        println!("{k:2}  {:12}  {silhouette:10.3}", medoids.loss());
        if best.as_ref().is_none_or(|(most, _)| silhouette > *most) {
            best = Some((silhouette, medoids));
        }
    }
    let (_, medoids) = best.expect("eight of them");

    println!("\nThe best silhouette has {} clusters:", medoids.n_clusters());
    for (cluster, &medoid) in medoids.medoids().iter().enumerate() {
        let others = (0..n).filter(|&i| medoids.labels()[i] == cluster && i != medoid);
        println!("  {:10} <- {}", words[medoid], others.map(|i| words[i]).collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

/// The Levenshtein distance, row by row of its table.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for j in 0..b.len() {
            let change = diagonal + usize::from(letter != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
