//! Fixed samples of rows, for decisions that change the time and no result.

/// Numbers without a pattern, one for each index (the finaliser of `SplitMix64`, Steele, Lea and Flood 2014).
fn mixed(index: u64) -> u64 {
    let mix = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mix = (mix ^ (mix >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mix = (mix ^ (mix >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mix ^ (mix >> 31)
}

/// One row out of each of so many equal parts, or every row if there are no more. Not every so many: rows may come in turn from
/// several sources, and all that are a period apart from the same.
pub(crate) fn sampled(n: usize, count: usize) -> impl ExactSizeIterator<Item = usize> {
    let count = count.clamp(1, n.max(1)).min(n);
    // In 64 bits, for the products may need them where addresses do not.
    let border = move |s: u64| s * n as u64 / count as u64;
    (0..count).map(move |s| {
        let (from, to) = (border(s as u64), border(s as u64 + 1));
        (from + (((mixed(s as u64) >> 32) * (to - from)) >> 32)) as usize
    })
}

#[cfg(test)]
mod tests {
    use super::sampled;

    #[test]
    fn samples_follow_no_period() {
        for (n, count) in [(0, 5), (1, 5), (7, 7), (7, 100), (1_000_000, 4000), (1_000_003, 512)] {
            let rows: Vec<usize> = sampled(n, count).collect();
            assert_eq!(rows.len(), n.min(count));
            assert!(rows.is_sorted_by(|a, b| a < b) && rows.iter().all(|&i| i < n));
        }
        // About as many of each of 50 sources that take turns.
        let mut counts = [0; 50];
        sampled(1_000_000, 4000).for_each(|i| counts[i % 50] += 1);
        assert!(counts.iter().all(|count| (40..130).contains(count)), "{counts:?}");
    }
}
