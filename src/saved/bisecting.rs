//! Bisecting k-means: the divisions in their order, of which the tree is built again.

use super::named::{Named, SavedLabels, SavedMatrix, read, write};
use super::{Flaw, amount};
use crate::bisecting::{BisectingKMeansModel, Tree};
use crate::float::Float;
use crate::history::StopReason;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Saved<F> {
    /// The node that was divided, for each division. The s-th made the nodes 2 s - 1 and 2 s.
    divided: Vec<usize>,
    sizes: Vec<usize>,
    inertias: Vec<f64>,
    centroids: SavedMatrix<F>,
    labels: SavedLabels,
    stop_reason: StopReason,
}

impl<F> Named for Saved<F> {
    const NAME: &'static str = "BisectingKMeansModel";
}

impl<F: Float + Serialize> Serialize for BisectingKMeansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nodes = self.tree();
        let saved = Saved {
            divided: nodes.iter().skip(1).step_by(2).filter_map(|node| node.parent).collect(),
            sizes: nodes.iter().map(|node| node.size).collect(),
            inertias: nodes.iter().map(|node| node.inertia).collect(),
            centroids: SavedMatrix::of(&self.node_centroids()),
            labels: SavedLabels::of(self.labels()),
            stop_reason: self.stop_reason(),
        };
        write(saved, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for BisectingKMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |saved: Saved<F>, readable| {
            let centroids = saved.centroids.checked("the centroids", readable)?;
            let (nodes, d) = centroids.dim();
            let coordinates = centroids.as_slice().unwrap_or_default();
            for (name, found) in [
                ("sizes", saved.sizes.len()),
                ("inertias", saved.inertias.len()),
                ("nodes", saved.divided.len().saturating_mul(2).saturating_add(1)),
            ] {
                if found != nodes {
                    return Err(Flaw::Count { name, found, expected: nodes });
                }
            }
            saved.inertias.iter().try_for_each(|&inertia| amount("an inertia", inertia))?;
            if saved.stop_reason == StopReason::MaxIterations {
                return Err(Flaw::Said("divisions do not end by a number of iterations"));
            }

            let centroids: Vec<&[F]> = coordinates.chunks_exact(d).collect();
            let mut tree = Tree::new(centroids[0]);
            (tree.nodes[0].size, tree.nodes[0].inertia) = (saved.sizes[0], saved.inertias[0]);
            for &parent in &saved.divided {
                if tree.nodes.get(parent).is_none_or(|node| node.children.is_some()) {
                    return Err(Flaw::Node(parent));
                }
                for _ in 0..2 {
                    let node = tree.nodes.len();
                    tree.add(parent, saved.sizes[node], saved.inertias[node], centroids[node]);
                }
            }
            amount("the inertia of all clusters", tree.inertia())?;
            let leaves = tree.number();
            let (labels, cluster_sizes) = saved.labels.checked(leaves.len())?;
            // From the last division to the first: what the parts have, the whole had.
            let mut sizes = vec![0; nodes];
            leaves.iter().zip(cluster_sizes).for_each(|(&leaf, size)| sizes[leaf] = size);
            for node in (1..nodes).rev() {
                sizes[tree.nodes[node].parent.unwrap_or(0)] += sizes[node];
            }
            if let Some(node) = (0..nodes).find(|&node| sizes[node] != saved.sizes[node]) {
                return Err(Flaw::Node(node));
            }
            let leaf_of = labels.iter().map(|&label| leaves[label]).collect();
            Ok(BisectingKMeansModel::new(tree, leaf_of, saved.stop_reason))
        })
    }
}
