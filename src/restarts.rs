//! Runs from different starts, of which the best is kept.

use crate::error::Error;
use crate::kernel::par;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

/// What sees the iterations of a run, and may stop it.
pub(crate) type Watch<'a, I> = &'a mut dyn FnMut(&I) -> ControlFlow<()>;

/// One run after another. A break of the observer's, or an error, ends them all.
pub(crate) fn in_turn<R, I>(
    count: usize,
    loss: impl Fn(&R) -> f64,
    observer: Watch<'_, I>,
    mut one: impl FnMut(usize, Watch<'_, I>) -> Result<R, Error>,
) -> Result<R, Error> {
    let (mut best, mut stopped) = (None::<R>, false);
    for index in 0..count {
        let mut watch = |iteration: &I| {
            let flow = observer(iteration);
            stopped |= flow.is_break();
            flow
        };
        let run = one(index, &mut watch)?;
        if best.as_ref().is_none_or(|best| loss(&run) < loss(best)) {
            best = Some(run);
        }
        if stopped {
            break;
        }
    }
    Ok(best.expect("at least one run"))
}

/// The same, unobserved, by so many workers: the first of the best runs, or the first error.
pub(crate) fn at_once<R: Send>(
    count: usize,
    workers: usize,
    loss: impl Fn(&R) -> f64 + Sync,
    one: impl Fn(usize) -> Result<R, Error> + Sync,
) -> Result<R, Error> {
    let kept = Mutex::new((None::<(usize, R)>, None::<(usize, Error)>));
    let mut workers = vec![(); workers.min(count)];
    par::share(&mut workers, 0..count, |(), index| {
        let result = one(index);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(run) => {
                let better = |best: &(usize, R)| (loss(&run), index) < (loss(&best.1), best.0);
                if kept.0.as_ref().is_none_or(better) {
                    kept.0 = Some((index, run));
                }
            }
            Err(error) if kept.1.as_ref().is_none_or(|first| index < first.0) => {
                kept.1 = Some((index, error));
            }
            Err(_) => {}
        }
    });
    match kept.into_inner().unwrap_or_else(PoisonError::into_inner) {
        (_, Some((_, error))) => Err(error),
        (best, None) => Ok(best.expect("at least one run").1),
    }
}
