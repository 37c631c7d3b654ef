//! Seeding: how long it takes, and the inertia of what it starts.
//!
//! ```text
//! cargo bench --bench init [-- PART OF A NAME]
//! ```
//!
//! The mean of three seeds; `after 10` is the inertia after ten iterations from there, in units of that from greedy k-means++.

use centroids::{Init, KMeans, KMeansParallel, KMeansPlusPlus, Random, SeededRng, init};
use common::{SHAPES, seconds, wanted};

fn main() {
    let inits: [(&str, &dyn Init<f32>); 5] = [
        ("greedy k-means++", &KMeansPlusPlus::default()),
        ("plain k-means++", &KMeansPlusPlus::default().trials(1)),
        ("k-means||", &KMeansParallel::default()),
        ("auto", &init::Auto),
        ("random", &Random),
    ];
    println!("data                         initialiser           ms  after 10");
    for shape in &SHAPES {
        let name = format!("{} {} x {} k {}", shape.name, shape.n, shape.d, shape.k);
        if !wanted(&name) {
            continue;
        }
        let rows = shape.rows();
        let mut greedy = None;
        for (init_name, init) in inits {
            let (mut time, mut inertia) = (0.0, 0.0);
            for seed in 0..3 {
                let mut rng = SeededRng::new(seed);
                let (took, start) =
                    seconds(|| init.centroids(rows.view(), None, shape.k, &mut rng).expect("sound data"));
                let kmeans = KMeans::new(shape.k).init(start).max_iter(10);
                time += took / 3.0;
                inertia += kmeans.fit(&rows).expect("sound data").inertia() / 3.0;
            }
            let part = inertia / *greedy.get_or_insert(inertia);
            println!("{name:28} {init_name:16} {:8.1}  {part:8.4}", 1e3 * time);
        }
    }
}
