//! Checked data with checked labels, and the means and spreads of its clusters.

use crate::data::Data;
use crate::error::Error;
use crate::float::Float;
use crate::kernel::Level;
use crate::kernel::double::Double;
use crate::kernel::silhouette::Grouped;
use ndarray::{ArrayView1, ArrayView2};

/// Labels as numbers 0 to k - 1 in the order of the labels given, and how many rows have each.
pub(super) fn dense(labels: impl Iterator<Item = usize> + Clone) -> (Vec<u32>, Vec<usize>) {
    let mut distinct: Vec<usize> = labels.clone().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut sizes = vec![0; distinct.len()];
    let number = |label: usize| {
        // Labels are mostly 0 to k - 1 as they are.
        let j = if distinct.get(label) == Some(&label) {
            label
        } else {
            distinct.partition_point(|&other| other < label)
        };
        sizes[j] += 1;
        j as u32
    };
    (labels.map(number).collect(), sizes)
}

/// Rows that are divided into 2 to n - 1 clusters.
pub(super) struct Partition<'a, F: Float> {
    data: Data<'a, F>,
    labels: Vec<u32>,
    sizes: Vec<usize>,
}

/// What the scores from means need.
pub(super) struct Means {
    n: usize,
    sizes: Vec<usize>,
    /// (k, d), in 106 bits: equal where the rows' means are, and a row's own where all rows of a cluster are equal.
    centres: Vec<Double>,
    d: usize,
    /// Sum of squared distances of the rows to the means.
    within: f64,
    /// Mean distance of each cluster's rows to its mean.
    widths: Vec<f64>,
}

impl<'a, F: Float> Partition<'a, F> {
    pub(super) fn new(data: ArrayView2<'a, F>, labels: ArrayView1<'_, usize>) -> Result<Self, Error> {
        let rows = data.nrows();
        if labels.len() != rows {
            return Err(Error::LabelCount { expected: rows, found: labels.len() });
        }
        let data = F::check_data(Level::new(), data, None, 1)?;
        let (labels, sizes) = dense(labels.iter().copied());
        if sizes.len() < 2 || sizes.len() >= rows {
            return Err(Error::ScoreClusters { clusters: sizes.len(), rows });
        }
        Ok(Partition { data, labels, sizes })
    }

    pub(super) fn silhouettes(&self) -> Vec<f64> {
        self.grouped().silhouettes(Level::new())
    }

    pub(super) fn some_silhouettes(&self, which: &[usize]) -> Vec<f64> {
        self.grouped().some_silhouettes(Level::new(), self.data.rows(), &self.labels, which)
    }

    fn grouped(&self) -> Grouped {
        Grouped::new(self.data.rows(), &self.labels, &self.sizes)
    }

    pub(super) fn means(&self) -> Means {
        let (d, k) = (self.data.d, self.sizes.len());
        let rows = || self.data.rows().values.chunks_exact(d).zip(&self.labels);
        let mut means = vec![Double::ZERO; k * d];
        for (row, &j) in rows() {
            let sums = &mut means[j as usize * d..][..d];
            row.iter().zip(sums).for_each(|(x, sum)| *sum = sum.plus(Double::of(x.f64())));
        }
        for (mean, &size) in means.chunks_exact_mut(d).zip(&self.sizes) {
            mean.iter_mut().for_each(|sum| *sum = sum.over(Double::of(size as f64)));
        }
        let (mut within, mut widths) = (vec![0.0; k], vec![0.0; k]);
        for (row, &j) in rows() {
            let mean = &means[j as usize * d..][..d];
            let away = row.iter().zip(mean).map(|(x, mean)| (x.f64() - mean.high) - mean.low);
            let square: f64 = away.map(|x| x * x).sum();
            within[j as usize] += square;
            widths[j as usize] += square.sqrt();
        }
        widths.iter_mut().zip(&self.sizes).for_each(|(sum, &size)| *sum /= size as f64);
        let n = self.labels.len();
        Means { n, sizes: self.sizes.clone(), centres: means, d, within: within.iter().sum(), widths }
    }
}

impl Means {
    pub(super) fn calinski_harabasz(&self) -> f64 {
        let (n, k) = (self.n as f64, self.sizes.len() as f64);
        // The mean of all rows.
        let mut centre = vec![Double::ZERO; self.d];
        for (mean, &size) in self.centres.chunks_exact(self.d).zip(&self.sizes) {
            let part = Double::of(size as f64).over(Double::of(n));
            centre.iter_mut().zip(mean).for_each(|(c, x)| *c = c.plus(x.times(part)));
        }
        let clusters = self.centres.chunks_exact(self.d).zip(&self.sizes);
        let between: f64 = clusters.map(|(mean, &size)| size as f64 * squared(mean, &centre)).sum();
        if self.within == 0.0 { 1.0 } else { between * (n - k) / (self.within * (k - 1.0)) }
    }

    pub(super) fn davies_bouldin(&self) -> f64 {
        let mean = |j: usize| &self.centres[j * self.d..][..self.d];
        let k = self.sizes.len();
        let worst = |i: usize| {
            let others = (0..k).filter(|&j| j != i).map(|j| (j, squared(mean(i), mean(j)).sqrt()));
            let likeness = |(j, apart): (usize, f64)| (self.widths[i] + self.widths[j]) / apart;
            others.filter(|&(_, apart)| apart > 0.0).map(likeness).fold(0.0, f64::max)
        };
        (0..k).map(worst).sum::<f64>() / k as f64
    }
}

fn squared(a: &[Double], b: &[Double]) -> f64 {
    let apart = a.iter().zip(b).map(|(a, b)| (a.high - b.high) + (a.low - b.low));
    apart.map(|x| x * x).sum()
}
