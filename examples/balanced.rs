//! Eight couriers share the stops of a town: k-means gives some of them far too many, balanced k-means does not.
//!
//! cargo run --release --example balanced

use centroids::{BalancedKMeans, Error, KMeans, SeededRng};
use ndarray::{Array1, Array2};

/// Stops in kilometres: a crowded centre, three suburbs, and farms.
fn town(rng: &mut SeededRng) -> Array2<f64> {
    let places = [
        (0.0, 0.0, 1.0, 300),
        (6.0, 2.0, 0.8, 120),
        (-5.0, 4.0, 0.8, 90),
        (1.0, -6.0, 0.7, 70),
        (0.0, 0.0, 8.0, 60),
    ];
    let mut stops = Vec::new();
    for (x, y, width, count) in places {
        // Three uniform numbers make something like a bell.
        let mut bell = || width * (rng.uniform() + rng.uniform() + rng.uniform() - 1.5);
        stops.extend((0..count).map(|_| [x + bell(), y + bell()]));
    }
    stops.into()
}

/// The mean distance of the stops of each courier from the middle of their tour.
fn spreads(
    stops: &Array2<f64>,
    centroids: &Array2<f64>,
    labels: &Array1<usize>,
    sizes: &[usize],
) -> Vec<f64> {
    let mut spreads = vec![0.0; sizes.len()];
    for (stop, &courier) in stops.rows().into_iter().zip(labels) {
        let away = &stop - &centroids.row(courier);
        spreads[courier] += away.dot(&away).sqrt() / sizes[courier] as f64;
    }
    spreads
}

fn main() -> Result<(), Error> {
    let stops = town(&mut SeededRng::new(3));
    let free = KMeans::new(8).seed(1).n_init(10).fit(&stops)?;
    let equal = BalancedKMeans::new(8).seed(1).n_init(10).fit(&stops)?;
    let loose = BalancedKMeans::new(8).sizes(50..=110).seed(1).n_init(10).fit(&stops)?;
    println!("{} stops for 8 couriers\n", stops.nrows());
    println!("{:<28} {:>11}   stops of each courier (mean distance from the middle, km)", "", "inertia");
    let show = |name: &str, inertia: f64, sizes: &[usize], spreads: Vec<f64>| {
        let couriers = sizes.iter().zip(spreads).map(|(size, spread)| format!("{size} ({spread:.1})"));
        println!("{name:<28} {inertia:>11.1}   {}", couriers.collect::<Vec<_>>().join("  "));
    };
    let sizes = free.cluster_sizes();
    show("KMeans", free.inertia(), sizes, spreads(&stops, free.centroids(), free.labels(), sizes));
    for (name, model) in [("BalancedKMeans", equal), ("BalancedKMeans, 50 to 110", loose)] {
        let sizes = model.cluster_sizes();
        show(name, model.inertia(), sizes, spreads(&stops, model.centroids(), model.labels(), sizes));
        let nearest = model.predict(&stops)?;
        let others = nearest.iter().zip(model.labels()).filter(|(a, b)| a != b).count();
        println!("{:<28} {others} stops belong to another courier than the nearest", "");
    }
    Ok(())
}
