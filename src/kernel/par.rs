//! Threads. The only room that knows rayon.

use std::sync::{Mutex, OnceLock, PoisonError};

/// Threads that a parallel loop may use here: those of rayon's current pool.
pub(crate) fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon_core::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    1
}

/// Each worker takes the next piece whenever it is free, until none is left. Which worker gets which piece is left to chance,
/// so `work` must give the same bits either way; sums on a grid do.
pub(crate) fn share<W: Send, P: Send>(
    workers: &mut [W],
    mut pieces: impl Iterator<Item = P> + Send,
    work: impl Fn(&mut W, P) + Sync,
) {
    let mut pieces = || pieces.next();
    let queue: Queue<'_, P> = Mutex::new(&mut pieces);
    spread(workers, &|worker| {
        while let Some(piece) = next(&queue) {
            work(worker, piece);
        }
    });
}

// From here on nothing knows the loop, so that it is compiled once and not for each loop of the crate.

type Queue<'a, P> = Mutex<&'a mut (dyn FnMut() -> Option<P> + Send)>;

fn next<P>(queue: &Queue<'_, P>) -> Option<P> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)()
}

/// Runs every worker; other threads take some of them if they are free.
fn spread<W: Send>(workers: &mut [W], run: &(dyn Fn(&mut W) + Sync)) {
    match workers {
        [] => {}
        [only] => run(only),
        many => {
            let (some, others) = many.split_at_mut(many.len() / 2);
            both(&mut || spread(some, run), &mut || spread(others, run));
        }
    }
}

fn both(one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)) {
    #[cfg(feature = "parallel")]
    rayon_core::join(one, other);
    #[cfg(not(feature = "parallel"))]
    {
        one();
        other();
    }
}

/// What is at the place, made if nothing is there yet. It is made before the place is taken: threads may share the making, and one that waits there for another may be
/// given work that comes by here again, which would wait for itself.
pub(crate) fn once<T>(place: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    if let Some(there) = place.get() {
        return there;
    }
    let made = make();
    place.get_or_init(|| made)
}

/// What the first touch of so many bytes of fresh memory costs, counted in multiply-adds: the system hands it out page by page.
pub(crate) fn fresh(bytes: usize) -> f64 {
    bytes as f64 * 4.0
}

/// So many times a number.
pub(crate) fn filled(n: usize, value: u32) -> Vec<u32> {
    const CHUNK: usize = 1 << 16;
    let mut all = vec![0; n];
    share(&mut vec![(); workers_for(fresh(4 * n))], all.chunks_mut(CHUNK), |(), part| part.fill(value));
    all
}

/// Workers worth waking for so much work, counted in multiply-adds.
pub(crate) fn workers_for(work: f64) -> usize {
    // Waking a thread costs about ten microseconds, a hundred thousand multiply-adds.
    const WORTH_A_THREAD: f64 = 2e5;
    (work / WORTH_A_THREAD).clamp(1.0, threads() as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_once_may_be_asked_for_while_it_is_made() {
        let place = OnceLock::new();
        let asked = once(&place, || {
            assert_eq!(once(&place, || 1), &1);
            2
        });
        assert_eq!(asked, &1, "the first that was ready stays");
    }
}
