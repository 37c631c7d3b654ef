//! The criteria of a sweep, and how each chooses.

use std::fmt;

/// A way to choose k from a [`Sweep`](crate::select::Sweep).
///
/// ```
/// use centroids::select::Criterion;
/// assert_eq!(Criterion::Bic.to_string(), "BIC");
/// assert!(Criterion::Bic.can_choose_one() && !Criterion::Silhouette.can_choose_one());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Criterion {
    /// The knee of the inertia ([`Elbow::knee`](crate::select::Elbow::knee)); its values are the inertias.
    Knee,
    /// The variance ratio of Caliński and Harabasz ([`calinski_harabasz`](crate::select::calinski_harabasz)): the variance-based criterion that Schubert (2023) recommends.
    /// The largest is chosen.
    CalinskiHarabasz,
    /// The Bayesian information criterion of the spherical Gaussian model (Pelleg and Moore 2000, X-means), with one variance for all clusters and columns:
    /// its log-likelihood less `(p / 2) ln n` for `p = k (d + 1)` free parameters. The largest is chosen. Undefined when k = n or the inertia is 0.
    ///
    /// Evenly spread rows of one or two columns are on its edge: there the likelihood gains as much as it loses with k, and chance decides.
    Bic,
    /// The gap statistic (Tibshirani, Walther and Hastie 2001): how far the logarithm of the inertia lies below its mean for rows spread evenly over the box of the data. Chosen
    /// is the smallest k whose gap is at least that of the next k swept less that one's standard error; none if there is no such k. Undefined when an inertia is 0, or a
    /// reference has no fit (narrower than the type allows, or with a cluster that loses its rows under `EmptyCluster::Fail`).
    ///
    /// The rule allows for one standard error, so on noise it misses k = 1 now and then.
    Gap,
    /// The mean silhouette ([`silhouette`](crate::select::silhouette)), or its estimate when there are many rows. The largest is chosen.
    Silhouette,
    /// The mean simplified silhouette ([`simplified_silhouette`](crate::select::simplified_silhouette)). The largest is chosen.
    SimplifiedSilhouette,
    /// The index of Davies and Bouldin ([`davies_bouldin`](crate::select::davies_bouldin)). The least is chosen.
    DaviesBouldin,
}

impl Criterion {
    /// All of them, in the order of the table.
    pub const ALL: [Criterion; 7] = [
        Criterion::Knee,
        Criterion::CalinskiHarabasz,
        Criterion::Bic,
        Criterion::Gap,
        Criterion::Silhouette,
        Criterion::SimplifiedSilhouette,
        Criterion::DaviesBouldin,
    ];

    /// Whether it can find that there is one cluster: those that compare clusters with each other cannot, nor can the knee.
    #[must_use]
    pub fn can_choose_one(self) -> bool {
        matches!(self, Criterion::Bic | Criterion::Gap)
    }

    /// A name of at most ten letters, for the head of a column.
    pub(super) fn head(self) -> &'static str {
        match self {
            Criterion::Knee => "inertia",
            Criterion::CalinskiHarabasz => "CH",
            Criterion::Bic => "BIC",
            Criterion::Gap => "gap",
            Criterion::Silhouette => "silhouette",
            Criterion::SimplifiedSilhouette => "simplified",
            Criterion::DaviesBouldin => "DB",
        }
    }

    /// The k chosen from the values by ascending k, and the standard errors of the gaps; not for the knee.
    pub(super) fn choose(self, values: &[(usize, f64, f64)]) -> Option<usize> {
        if self == Criterion::Gap {
            let enough = |pair: &&[(usize, f64, f64)]| pair[0].1 >= pair[1].1 - pair[1].2;
            return values.windows(2).find(enough).map(|pair| pair[0].0);
        }
        let sign = if self == Criterion::DaviesBouldin { -1.0 } else { 1.0 };
        // The smallest k of equals.
        let best = values.iter().rev().max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)));
        best.map(|value| value.0)
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Criterion::Knee => "knee",
            Criterion::CalinskiHarabasz => "Calinski-Harabasz",
            Criterion::Bic => "BIC",
            Criterion::Gap => "gap",
            Criterion::Silhouette => "silhouette",
            Criterion::SimplifiedSilhouette => "simplified silhouette",
            Criterion::DaviesBouldin => "Davies-Bouldin",
        })
    }
}
