//! Which texts are computed together.

use std::cmp::Reverse;

/// Tokens in the part of one core at least: below, what each pass costs beside its tokens is more than what two cores save.
const PART_MIN: usize = 64;
/// At most: what is computed for them fits into the cache, and what a pass costs beside them is not seen any more.
const PART_MAX: usize = 1_024;
/// Tokens of a pass in rows of one length at most: some 12 MB for each 256.
const PASS_MAX: usize = 8_192;
/// What such a pass costs beside its tokens, in tokens: padding is cheaper than another pass up to that.
const PADDING_MAX: usize = 256;

/// The places of `lengths` in parts for so many cores, each once, with about as many tokens each. None is empty, unless
/// all is.
pub(super) fn parts(lengths: &[usize], cores: usize) -> Vec<Vec<usize>> {
    let tokens: usize = lengths.iter().sum();
    let cores = cores.min(tokens / PART_MIN).max(1);
    let count = tokens.div_ceil(PART_MAX).next_multiple_of(cores);
    let mut parts = vec![(0, Vec::new()); count.min(lengths.len())];
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|at| Reverse(lengths[*at]));
    for at in order {
        if let Some((tokens, part)) = parts
            .iter_mut()
            .min_by_key(|(tokens, part)| (*tokens, part.len()))
        {
            *tokens += lengths[at];
            part.push(at);
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// The places of `lengths` in passes of rows that are padded to the longest, each once. A pass has at most
/// [`PASS_MAX`] tokens, padding included, and ends where the padding would cost more than another pass does.
pub(super) fn passes(lengths: &[usize]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|at| Reverse(lengths[*at]));
    let mut passes: Vec<Vec<usize>> = Vec::new();
    // The width of the last pass, and the padding in it.
    let (mut width, mut padding) = (0_usize, 0_usize);
    for at in order {
        let waste = width.saturating_sub(lengths[at]);
        match passes.last_mut() {
            Some(pass) if (pass.len() + 1) * width <= PASS_MAX && padding + waste <= PADDING_MAX => {
                padding += waste;
                pass.push(at);
            }
            _ => {
                (width, padding) = (lengths[at], 0);
                passes.push(vec![at]);
            }
        }
    }
    passes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn widths(lengths: &[usize], passes: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        let lengths_of = |pass: Vec<usize>| pass.into_iter().map(|at| lengths[at]).collect();
        passes.into_iter().map(lengths_of).collect()
    }

    #[test]
    fn each_core_has_its_part_where_there_is_enough_for_all() {
        let of = |lengths: &[usize], cores| widths(lengths, parts(lengths, cores));
        assert!(of(&[], 2).is_empty());
        assert_eq!(of(&[12, 10, 14], 2), [[14, 12, 10]]);
        assert_eq!(of(&[90, 50, 60, 20], 2), [[90, 20], [60, 50]]);
        assert_eq!(of(&[256], 2), [[256]]);
        let sizes: Vec<usize> = of(&[16; 256], 2).iter().map(Vec::len).collect();
        assert_eq!(sizes, [64; 4]);
    }

    #[test]
    fn rows_of_like_length_go_together_and_a_long_one_by_itself() {
        let of = |lengths: &[usize]| widths(lengths, passes(lengths));
        assert!(of(&[]).is_empty());
        assert_eq!(of(&[12, 256, 10, 14]), [vec![256, 14], vec![12, 10]]);
        assert_eq!(of(&[30, 10]), [[30, 10]]);
    }

    proptest! {
        #[test]
        fn every_text_is_in_one_part_and_none_is_empty(
            lengths in prop::collection::vec(2_usize..=256, 0..300), cores in 1_usize..9,
        ) {
            let parts = parts(&lengths, cores);
            let mut places: Vec<usize> = parts.concat();
            places.sort_unstable();
            prop_assert_eq!(places, (0..lengths.len()).collect::<Vec<_>>());
            for part in parts {
                let tokens: usize = part.iter().map(|at| lengths[*at]).sum();
                prop_assert!(!part.is_empty());
                prop_assert!(tokens <= PART_MAX + 256, "{} tokens", tokens);
            }
        }

        #[test]
        fn every_text_is_in_one_pass_and_none_is_too_large(lengths in prop::collection::vec(0_usize..=256, 0..300)) {
            let passes = passes(&lengths);
            let mut places: Vec<usize> = passes.concat();
            places.sort_unstable();
            prop_assert_eq!(places, (0..lengths.len()).collect::<Vec<_>>());
            for pass in passes {
                let width = pass.iter().map(|at| lengths[*at]).max().unwrap_or(0);
                prop_assert!(pass.len() == 1 || pass.len() * width <= PASS_MAX);
                let padding: usize = pass.iter().map(|at| width - lengths[*at]).sum();
                prop_assert!(padding <= PADDING_MAX);
            }
        }
    }
}
