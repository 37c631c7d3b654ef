//! A sweep in words, and as a table.

use super::criterion::Criterion;
use super::sweep::Sweep;
use crate::float::Float;
use std::fmt;

impl<F: Float> Sweep<F> {
    /// What the criteria say, in plain words: the k they agree on, or who says what and what to make of it.
    ///
    /// ```
    /// use centroids::{KMeans, SeededRng, select};
    /// let mut rng = SeededRng::new(5);
    /// let noise = ndarray::Array2::from_shape_simple_fn((300, 2), || rng.uniform());
    /// let verdict = select::sweep(&KMeans::new(1).n_init(3), 1..=6, &noise)?.verdict();
    /// assert!(verdict.contains("Perhaps there are no clusters"));
    /// # Ok::<(), centroids::Error>(())
    /// ```
    #[must_use]
    pub fn verdict(&self) -> String {
        let mut ks: Vec<(usize, Vec<Criterion>)> = Vec::new();
        let mut silent = Vec::new();
        for &criterion in self.criteria() {
            match self.choice(criterion) {
                None => silent.push(criterion),
                Some(k) => match ks.iter_mut().find(|choice| choice.0 == k) {
                    Some(choice) => choice.1.push(criterion),
                    None => ks.push((k, vec![criterion])),
                },
            }
        }
        ks.sort_by_key(|choice| choice.0);
        let mut said = Vec::new();
        if !self.is_complete() {
            said.push("The sweep was ended early.".to_owned());
        }
        match ks.as_slice() {
            [] => said.push("No criterion chooses a k.".to_owned()),
            [(k, _)] if silent.is_empty() => said.push(format!("All criteria choose k = {k}.")),
            choices => {
                let one = |(k, who): &(usize, Vec<Criterion>)| format!("k = {k} by {}", names(who));
                let all: Vec<String> = choices.iter().map(one).collect();
                let begin = if choices.len() > 1 { "The criteria disagree: " } else { "" };
                said.push(format!("{begin}{}.", all.join("; ")));
            }
        }
        if !silent.is_empty() && !ks.is_empty() {
            said.push(format!("No choice by {}.", names(&silent)));
        }
        if let Some((1, who)) = ks.first() {
            let blind: Vec<Criterion> =
                self.criteria().iter().copied().filter(|c| !c.can_choose_one()).collect();
            let does = if who.len() == 1 { "does" } else { "do" };
            said.push(match &*blind {
                [] => "Perhaps there are no clusters.".to_owned(),
                _ => format!(
                    "Perhaps there are no clusters: {} cannot say k = 1, but {} can and {does}.",
                    names(&blind),
                    names(who)
                ),
            });
        } else if ks.len() > 1 {
            let most = ks.iter().map(|choice| choice.1.len()).max().unwrap_or(0);
            let leaders: Vec<String> = ks
                .iter()
                .filter(|choice| choice.1.len() == most)
                .map(|choice| choice.0.to_string())
                .collect();
            said.push(format!(
                "Most often chosen: {}. Groups within groups, unequal widths or long shapes make criteria disagree: compare the clusters themselves.",
                leaders.join(" and ")
            ));
        }
        let last = self.points().last().map_or(0, |point| point.k);
        if let Some((_, who)) = ks.iter().find(|choice| choice.0 == last && last > 1) {
            said.push(format!(
                "k = {last} is the largest k swept, so {} may go further: sweep further.",
                names(who)
            ));
        }
        said.join(" ")
    }
}

fn names(criteria: &[Criterion]) -> String {
    let names: Vec<String> = criteria.iter().map(Criterion::to_string).collect();
    match names.as_slice() {
        [] => "no criterion".to_owned(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

impl<F: Float> fmt::Display for Sweep<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "    k")?;
        for criterion in self.criteria() {
            write!(f, "  {:>11} ", criterion.head())?;
        }
        writeln!(f)?;
        for point in self.points() {
            write!(f, "{:5}", point.k)?;
            for &criterion in self.criteria() {
                let star = if self.choice(criterion) == Some(point.k) { '*' } else { ' ' };
                match point.value(criterion) {
                    None => write!(f, "  {:>11}{star}", "-")?,
                    Some(value) if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) => {
                        write!(f, "  {value:>11.3e}{star}")?;
                    }
                    Some(value) => write!(f, "  {value:>11.3}{star}")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "* chosen by its column (the knee, for the inertia); - undefined")?;
        write!(f, "{}", self.verdict())
    }
}
