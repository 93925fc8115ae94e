//! A rate for the whole mesh, divided over workers.

use super::Rate;

/// Divides `whole` over `parts` workers, so that all of them together have exactly its rate and its burst (up to
/// the rounding of one addition each).
///
/// Bursts are divided in whole tokens, because half a token starts nothing: the first workers have one more, and
/// the first one has what is left of a token. Rates follow the bursts, so that every bucket fills in the same time.
/// With a burst of less than `parts` tokens the last workers get nothing, and others start their tasks.
#[must_use]
pub fn split(whole: Rate, parts: u32) -> Vec<Rate> {
    let count = f64::from(parts);
    let tokens = whole.burst.floor();
    let each = (tokens / count).floor();
    let one_more = tokens - each * count;
    let mut left = whole;
    let part = |at: u32| {
        let extra = if f64::from(at) < one_more { 1.0 } else { 0.0 };
        let rest = if at == 0 { whole.burst - tokens } else { 0.0 };
        let burst = each + extra + rest;
        let per_s = if burst > 0.0 {
            left.per_s * (burst / left.burst).min(1.0)
        } else {
            0.0
        };
        left.per_s -= per_s;
        left.burst -= burst;
        Rate { per_s, burst }
    };
    (0..parts).map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_is_divided_in_whole_tokens() {
        let cases = [
            ((100.0, 8.0), 4, vec![(25.0, 2.0); 4]),
            ((10.0, 5.0), 2, vec![(6.0, 3.0), (4.0, 2.0)]),
            ((10.0, 2.5), 2, vec![(6.0, 1.5), (4.0, 1.0)]),
            ((5.0, 1.0), 3, vec![(5.0, 1.0), (0.0, 0.0), (0.0, 0.0)]),
            ((5.0, 0.5), 2, vec![(5.0, 0.5), (0.0, 0.0)]),
            ((7.0, 3.0), 1, vec![(7.0, 3.0)]),
            ((7.0, 3.0), 0, vec![]),
        ];
        for ((per_s, burst), parts, expected) in cases {
            let found: Vec<(f64, f64)> = split(Rate { per_s, burst }, parts)
                .iter()
                .map(|part| (part.per_s, part.burst))
                .collect();
            assert_eq!(found, expected, "{per_s}/s, {burst} over {parts}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_and_fill_in_the_same_time(
            per_s in 0.001_f64..1e6,
            burst in 1.0_f64..1e6,
            parts in 1_u32..300,
        ) {
            let found = split(Rate { per_s, burst }, parts);
            prop_assert_eq!(found.len(), parts as usize);
            let close = |found: f64, wanted: f64| (found - wanted).abs() <= 1e-9 * wanted;
            prop_assert!(close(found.iter().map(|part| part.per_s).sum(), per_s));
            prop_assert!(close(found.iter().map(|part| part.burst).sum(), burst));
            for part in found {
                if part.burst == 0.0 {
                    prop_assert_eq!(part.per_s, 0.0);
                } else {
                    let (fill_s, whole_s) = (part.burst / part.per_s, burst / per_s);
                    prop_assert!((fill_s - whole_s).abs() <= 1e-6 * whole_s, "{} {}", fill_s, whole_s);
                }
            }
        }
    }
}
