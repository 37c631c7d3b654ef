//! Scores against labels that are known: do two labellings divide the rows alike?

use super::partition::dense;
use crate::error::Error;
use ndarray::{ArrayBase, Data, Ix1};

/// How two labellings meet.
struct Table {
    n: usize,
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// Row, column, and how many have both; those with any.
    cells: Vec<(u32, u32, usize)>,
}

impl Table {
    fn new<A, B>(a: &ArrayBase<A, Ix1>, b: &ArrayBase<B, Ix1>) -> Result<Self, Error>
    where
        A: Data<Elem = usize>,
        B: Data<Elem = usize>,
    {
        if a.len() != b.len() {
            return Err(Error::LabelCount { expected: a.len(), found: b.len() });
        }
        let ((a, rows), (b, columns)) = (dense(a.iter().copied()), dense(b.iter().copied()));
        let n = a.len();
        let mut pairs: Vec<(u32, u32)> = a.into_iter().zip(b).collect();
        pairs.sort_unstable();
        let cells = pairs.chunk_by(|a, b| a == b).map(|same| (same[0].0, same[0].1, same.len())).collect();
        Ok(Table { n, rows, columns, cells })
    }
}

/// The adjusted Rand index of two labellings (Hubert and Arabie 1985): 1 if they divide the rows alike, about 0 if one is random, and below 0 if they agree
/// less than by chance. The names of the labels do not matter, nor does the order of the two.
///
/// Same values as scikit-learn's `adjusted_rand_score`; 1 for no rows and for two labellings without pairs to tell apart. Costs O(n log n).
///
/// ```
/// use centroids::select;
/// use ndarray::array;
/// let known = array![0, 0, 1, 1];
/// assert_eq!(select::adjusted_rand_index(&known, &array![7, 7, 3, 3])?, 1.0);
/// assert_eq!(select::adjusted_rand_index(&known, &array![0, 1, 0, 1])?, -0.5);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// If there are not as many labels in both.
pub fn adjusted_rand_index<A, B>(known: &ArrayBase<A, Ix1>, found: &ArrayBase<B, Ix1>) -> Result<f64, Error>
where
    A: Data<Elem = usize>,
    B: Data<Elem = usize>,
{
    let table = Table::new(known, found)?;
    let square = |x: usize| (x as u128) * (x as u128);
    let both: u128 = table.cells.iter().map(|cell| square(cell.2)).sum();
    let rows: u128 = table.rows.iter().map(|&x| square(x)).sum();
    let columns: u128 = table.columns.iter().map(|&x| square(x)).sum();
    // Ordered pairs of rows: together in both, in the first only, in the second only, in neither.
    let together = (both - table.n as u128) as f64;
    let (first, second) = ((rows - both) as f64, (columns - both) as f64);
    let neither = (square(table.n) + both - rows - columns) as f64;
    if first == 0.0 && second == 0.0 {
        return Ok(1.0);
    }
    let chance = (together + first) * (first + neither) + (together + second) * (second + neither);
    Ok(2.0 * (together * neither - first * second) / chance)
}

/// The normalised mutual information of two labellings, 0 to 1: their mutual information divided by the mean of their entropies.
///
/// 1 if they divide the rows alike. Unlike the adjusted Rand index it is not corrected for chance: random labels score more the more clusters they form.
/// Same values as scikit-learn's `normalized_mutual_info_score`: 1 for no rows, and if both labellings have one label only. Costs O(n log n).
///
/// ```
/// use centroids::select;
/// use ndarray::array;
/// let known = array![0, 0, 1, 1];
/// assert_eq!(select::normalized_mutual_information(&known, &array![1, 1, 0, 0])?, 1.0);
/// assert_eq!(select::normalized_mutual_information(&known, &array![0, 1, 0, 1])?, 0.0);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// If there are not as many labels in both.
pub fn normalized_mutual_information<A, B>(
    known: &ArrayBase<A, Ix1>,
    found: &ArrayBase<B, Ix1>,
) -> Result<f64, Error>
where
    A: Data<Elem = usize>,
    B: Data<Elem = usize>,
{
    let table = Table::new(known, found)?;
    // Each label of the one goes with one label of the other.
    if table.cells.len() == table.rows.len() && table.cells.len() == table.columns.len() {
        return Ok(1.0);
    }
    let n = table.n as f64;
    let entropy = |sizes: &[usize]| -sizes.iter().map(|&x| x as f64 / n).map(|p| p * p.ln()).sum::<f64>();
    let shared = |&(i, j, both): &(u32, u32, usize)| {
        let (row, column, both) =
            (table.rows[i as usize] as f64, table.columns[j as usize] as f64, both as f64);
        both / n * (both / row * (n / column)).ln()
    };
    let information: f64 = table.cells.iter().map(shared).sum();
    if information <= f64::EPSILON {
        return Ok(0.0);
    }
    let mean = f64::midpoint(entropy(&table.rows), entropy(&table.columns));
    Ok((information / mean).min(1.0))
}
