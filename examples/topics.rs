//! Texts by topic: vectors of words, compared by their cosine.
//!
//! ```text
//! cargo run --release --example topics
//! ```
//!
//! Each text becomes a vector with one column per word: how often it occurs, times the logarithm of how rare it is (tf-idf). A text that
//! says everything five times is five times as long a vector, but not another topic. k-means sees the length; spherical k-means does not. Embeddings
//! from a language model go in the same way, one row each.

use centroids::select::adjusted_rand_index;
use centroids::{Error, KMeans, SphericalKMeans};
use ndarray::{Array1, Array2};
use std::collections::BTreeMap;

/// Three topics of eight texts; the second half of each is longer.
const TEXTS: [&str; 24] = [
    "knead the dough and let the dough rise",
    "bake the bread in a hot oven",
    "mix flour water yeast and salt",
    "a hot oven makes the crust of bread crisp",
    "flour and water make dough, yeast makes dough rise, salt gives bread taste, the oven bakes bread with a crust",
    "let yeast rise in water, then knead flour and salt into dough, and bake bread in the oven",
    "sourdough bread needs flour, water, salt and time, no yeast, and a hot oven for the crust of the bread",
    "the baker kneads dough, the dough rests, the oven heats, the bread bakes, and the crust of bread turns brown",
    "the striker scored a late goal",
    "the keeper saved the penalty",
    "a draw after extra time and a penalty",
    "fans of the team sang in the stadium",
    "the team scored a goal before half time, the keeper saved a penalty, and the fans in the stadium sang for the team",
    "a goal from a penalty, a goal from a corner, and the team of the fans won the match in its stadium",
    "the match went to extra time, the striker missed a penalty, the keeper saved a goal, and the team lost the match",
    "the coach of the team praised the striker for the goal and the keeper for the match in the stadium",
    "the comet passed the sun",
    "a telescope shows the rings of the planet",
    "the moon of the planet has ice",
    "astronomers measured the light of a star",
    "the telescope measured the light of the star, and found a planet near the star and a moon near the planet",
    "around the sun move the planet, the comet and the moon, in orbit for as long as the star gives light",
    "astronomers point the telescope to the star, wait for the planet to pass, and measure how the light of the star fades",
    "the orbit of the comet is long, the orbit of the moon is short, and the planet holds the moon in orbit by the sun",
];

fn main() -> Result<(), Error> {
    let data = tf_idf(&TEXTS);
    let topics = Array1::from_shape_fn(24, |i| i / 8);
    let spherical = SphericalKMeans::new(3).n_init(20).fit(&data)?;
    let plain = KMeans::new(3).n_init(20).fit(&data)?;
    println!("{} texts, {} words", data.nrows(), data.ncols());
    println!("agreement with the topics (adjusted Rand index, 1 is perfect):");
    println!("  spherical k-means  {:.2}", adjusted_rand_index(spherical.labels(), &topics)?);
    println!("  k-means            {:.2}", adjusted_rand_index(plain.labels(), &topics)?);

    let words = words(&TEXTS);
    println!("\nWords with the most weight in each direction:");
    for (j, centroid) in spherical.centroids().rows().into_iter().enumerate() {
        let mut heaviest: Vec<usize> = (0..words.len()).collect();
        heaviest.sort_by(|&a, &b| centroid[b].total_cmp(&centroid[a]));
        let names: Vec<&str> = heaviest[..6].iter().map(|&t| words[t].as_str()).collect();
        println!("  {:2} texts: {}", spherical.cluster_sizes()[j], names.join(", "));
    }
    Ok(())
}

fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 3).map(str::to_lowercase)
}

fn words(texts: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = texts.iter().flat_map(|text| split(text)).collect();
    words.sort();
    words.dedup();
    words
}

/// One row per text, one column per word.
fn tf_idf(texts: &[&str]) -> Array2<f32> {
    let words = words(texts);
    let column: BTreeMap<&str, usize> =
        words.iter().enumerate().map(|(t, word)| (word.as_str(), t)).collect();
    let mut counts = Array2::zeros((texts.len(), words.len()));
    for (i, text) in texts.iter().enumerate() {
        split(text).for_each(|word| counts[[i, column[word.as_str()]]] += 1.0);
    }
    for mut counts in counts.columns_mut() {
        let texts_with = counts.iter().filter(|&&count| count > 0.0).count();
        let rare = (texts.len() as f32 / texts_with as f32).ln();
        counts.mapv_inplace(|count| count * rare);
    }
    counts
}
