//! The tree of clusters.

use super::array;
use crate::data::{check_values, rows_of};
use crate::error::Error;
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::pieces::end_to_end;
use crate::kernel::{Level, par};
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, Ix1, Ix2};

/// A cluster that is, or was until it was divided.
///
/// ```
/// use centroids::BisectingKMeans;
/// # let data = ndarray::array![[0.0], [1.0], [8.0]];
/// let model = BisectingKMeans::new(2).fit(&data)?;
/// let root = model.tree()[0];
/// assert_eq!((root.parent, root.children, root.size), (None, Some([1, 2]), 3));
/// assert_eq!(model.tree()[1].parent, Some(0));
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// The node it came from; none for the root, node 0.
    pub parent: Option<usize>,
    /// The two nodes it was divided into; none for a cluster of the model.
    pub children: Option<[usize; 2]>,
    /// Its label, if it is a cluster of the model.
    pub label: Option<usize>,
    /// Rows of the fit in it.
    pub size: usize,
    /// Sum of the squared distances of these rows to its centroid (weighted).
    pub inertia: f64,
}

/// Nodes in the order of their making: division s of node p made the nodes 2 s - 1 and 2 s.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree<F> {
    pub nodes: Vec<Node>,
    /// Row by row.
    centroids: Vec<F>,
    d: usize,
}

impl<F: Float> Tree<F> {
    /// A root, of size and inertia yet to be said.
    pub(crate) fn new(centroid: &[F]) -> Self {
        let root = Node { parent: None, children: None, label: None, size: 0, inertia: 0.0 };
        Tree { nodes: vec![root], centroids: centroid.to_vec(), d: centroid.len() }
    }

    pub(super) fn centroid(&self, node: usize) -> &[F] {
        &self.centroids[node * self.d..][..self.d]
    }

    /// One more child of a node.
    pub(crate) fn add(&mut self, parent: usize, size: usize, inertia: f64, centroid: &[F]) {
        let node = self.nodes.len();
        let [first, _] = self.nodes[parent].children.unwrap_or([node; 2]);
        self.nodes[parent].children = Some([first, node]);
        self.nodes.push(Node { parent: Some(parent), children: None, label: None, size, inertia });
        self.centroids.extend_from_slice(centroid);
    }

    fn leaves(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&node| self.nodes[node].children.is_none())
    }

    /// Of all clusters.
    pub(crate) fn inertia(&self) -> f64 {
        self.leaves().map(|leaf| self.nodes[leaf].inertia).sum()
    }

    /// Numbers the clusters from left to right, so that clusters that were one have labels side by side. Their nodes, in this order.
    pub(crate) fn number(&mut self) -> Vec<usize> {
        let (mut numbered, mut open) = (Vec::new(), vec![0]);
        while let Some(node) = open.pop() {
            self.nodes[node].label = None;
            if let Some([first, second]) = self.nodes[node].children {
                open.extend([second, first]);
            } else {
                self.nodes[node].label = Some(numbered.len());
                numbered.push(node);
            }
        }
        numbered
    }

    /// The cluster that a row belongs to: at each division the nearer of the two centroids, the first of equals.
    fn descend(&self, level: Level, row: &[F]) -> usize {
        let (mut node, mut distances) = (0, [0.0; 2]);
        while let Some([first, _]) = self.nodes[node].children {
            // Children lie side by side.
            F::all_distances(level, row, &self.centroids[first * self.d..][..2 * self.d], &mut distances);
            node = first + usize::from(distances[1] < distances[0]);
        }
        self.nodes[node].label.expect("a leaf is numbered")
    }
}

/// The tree of divisions, and the clusters at its leaves. One consistent state: `predict(&data) == labels()`.
/// With the feature `serde` it can be [saved](crate::KMeansModel#saving).
///
/// ```
/// use centroids::BisectingKMeans;
/// use ndarray::array;
///
/// let data = array![[0.0], [1.0], [10.0], [12.0]];
/// let model = BisectingKMeans::new(4).fit(&data)?;
/// assert_eq!(model.predict(&data)?, model.labels());
/// assert_eq!((model.tree().len(), model.inertia()), (7, 0.0));
/// assert_eq!((model.n_clusters(), model.n_features()), (4, 1));
/// assert_eq!(model.node_centroids().row(0), array![5.75]);      // the root: the mean of all rows
/// assert_eq!(model.cut(2)?.inertia(), 0.5 + 2.0);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BisectingKMeansModel<F: Float> {
    tree: Tree<F>,
    centroids: Array2<F>,
    labels: Array1<usize>,
    cluster_sizes: Vec<usize>,
    stop_reason: StopReason,
}

impl<F: Float> BisectingKMeansModel<F> {
    /// `leaves` has the node of each row.
    pub(crate) fn new(mut tree: Tree<F>, leaves: Vec<usize>, stop_reason: StopReason) -> Self {
        let numbered = tree.number();
        let values = end_to_end(numbered.iter().map(|&node| tree.centroid(node)));
        BisectingKMeansModel {
            centroids: array(&values, tree.d),
            labels: leaves
                .into_iter()
                .map(|node| tree.nodes[node].label.expect("rows are in leaves"))
                .collect(),
            cluster_sizes: numbered.iter().map(|&node| tree.nodes[node].size).collect(),
            tree,
            stop_reason,
        }
    }

    /// The model with k clusters: the first k - 1 divisions alone. It is what a fit for k would have given.
    ///
    /// # Errors
    ///
    /// If k is 0, or more than the clusters there are.
    pub fn cut(&self, k: usize) -> Result<Self, Error> {
        if k == 0 {
            return Err(Error::ZeroClusters);
        }
        if k > self.n_clusters() {
            return Err(Error::CutAbove { k, clusters: self.n_clusters() });
        }
        let kept = 2 * k - 1;
        let mut tree = self.tree.clone();
        tree.nodes.truncate(kept);
        tree.centroids.truncate(kept * tree.d);
        for node in &mut tree.nodes {
            node.children = node.children.filter(|children| children[1] < kept);
        }
        let mut node_of = vec![0; self.n_clusters()];
        for (node, at) in self.tree.nodes.iter().enumerate() {
            let Some(label) = at.label else { continue };
            let mut ancestor = node;
            while let Some(parent) = self.tree.nodes[ancestor].parent.filter(|_| ancestor >= kept) {
                ancestor = parent;
            }
            node_of[label] = ancestor;
        }
        let leaves = self.labels.iter().map(|&label| node_of[label]).collect();
        // An observer ended the divisions that are cut off.
        let stop_reason = if k < self.n_clusters() { StopReason::Converged } else { self.stop_reason };
        Ok(Self::new(tree, leaves, stop_reason))
    }

    /// All nodes in the order of their making: the root, then two for each division.
    #[must_use]
    pub fn tree(&self) -> &[Node] {
        &self.tree.nodes
    }

    /// The centroids of all nodes, one row each, in the order of [`tree`](Self::tree).
    #[must_use]
    pub fn node_centroids(&self) -> Array2<F> {
        array(&self.tree.centroids, self.tree.d)
    }

    /// The centroids of the clusters, (k, d). Clusters that were one until late have neighbouring labels.
    #[must_use]
    pub fn centroids(&self) -> &Array2<F> {
        &self.centroids
    }

    /// For each row of the fit its cluster. Not always that of the nearest centroid: only the two of a division are compared.
    #[must_use]
    pub fn labels(&self) -> &Array1<usize> {
        &self.labels
    }

    /// Sum of the squared distances of the rows of the fit to the centroids of their clusters (weighted).
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.tree.inertia()
    }

    /// Clusters in the model: k, or fewer if there are fewer distinct rows or the observer stopped the fit.
    #[must_use]
    pub fn n_clusters(&self) -> usize {
        self.centroids.nrows()
    }

    /// Columns of the data.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.centroids.ncols()
    }

    /// Rows of the fit with each label, those of weight 0 included.
    #[must_use]
    pub fn cluster_sizes(&self) -> &[usize] {
        &self.cluster_sizes
    }

    /// [`StopReason::Observer`] if the observer ended the fit, and [`StopReason::Converged`] otherwise.
    #[must_use]
    pub fn stop_reason(&self) -> StopReason {
        self.stop_reason
    }

    /// For each row of `rows`, (n, d), its cluster: down the tree, at each division to the nearer of the two centroids, ties to the first. Costs
    /// O(n d) for each level of the tree; n may be 0.
    ///
    /// # Errors
    ///
    /// If the columns do not match the model's, or a value is not finite or ([`Error::TooLarge`], f64) so large that squared distances could overflow.
    pub fn predict<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array1<usize>, Error> {
        F::predict_bisecting(self, rows.view())
    }

    /// [`predict`](Self::predict) for one row of d values.
    ///
    /// ```
    /// # let model = centroids::BisectingKMeans::new(2).fit(&ndarray::array![[0.0], [9.0]])?;
    /// assert_eq!(model.predict_one(&ndarray::array![9.5])?, model.labels()[1]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict); the row counts as row 0.
    pub fn predict_one<S: ndarray::Data<Elem = F>>(&self, row: &ArrayBase<S, Ix1>) -> Result<usize, Error> {
        let row: ArrayView1<'_, F> = row.view();
        Ok(self.predict(&row.insert_axis(ndarray::Axis(0)))?[0])
    }

    pub(crate) fn labels_of(&self, rows: ArrayView2<'_, F>) -> Result<Array1<usize>, Error> {
        const CHUNK: usize = 1024;
        let d = self.n_features();
        let values = rows_of(rows, self.centroids.dim())?;
        check_values(&values, d)?;
        let mut labels = vec![0; values.len() / d];
        let level = Level::new();
        let mut workers = vec![(); par::workers_for(20.0 * values.len() as f64)];
        par::share(
            &mut workers,
            labels.chunks_mut(CHUNK).zip(values.chunks(CHUNK * d)),
            |(), (labels, rows)| {
                for (label, row) in labels.iter_mut().zip(rows.chunks_exact(d)) {
                    *label = self.tree.descend(level, row);
                }
            },
        );
        Ok(labels.into())
    }
}
