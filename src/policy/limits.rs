//! A lane's limit, divided over the consumers that serve it.

/// Consumers of one lane at most: beyond it a replicated stream becomes slow.
pub const CONSUMERS_MAX: usize = 200;

/// Divides `lane_limit` over as many consumers as `class_limits` has entries, as equally as
/// their own caps allow; what a capped one cannot use goes to the others, and what is left of
/// the division to the first ones.
///
/// Every part is at least 1, because the server reads 0 as 1000; the sum is at most
/// `lane_limit` unless that is less than the number of consumers, which validation refuses.
/// A cap of 0 counts as 1.
#[must_use]
pub fn split_equally(lane_limit: u32, class_limits: &[Option<u32>]) -> Vec<u32> {
    let caps: Vec<u32> = class_limits
        .iter()
        .map(|cap| cap.unwrap_or(u32::MAX).max(1))
        .collect();
    let mut parts = vec![1_u32; caps.len()];
    let consumers = u32::try_from(caps.len()).unwrap_or(u32::MAX);
    let mut left = lane_limit.saturating_sub(consumers);
    // Every round but the last fills at least one consumer to its cap: at most one round each, and one more.
    loop {
        let open: Vec<usize> = (0..parts.len()).filter(|&i| parts[i] < caps[i]).collect();
        let Some(each) = u32::try_from(open.len()).ok().and_then(|n| left.checked_div(n)) else {
            return parts;
        };
        if each == 0 {
            for &i in open.iter().take(left as usize) {
                parts[i] += 1;
            }
            return parts;
        }
        for i in open {
            let more = each.min(caps[i] - parts[i]);
            parts[i] += more;
            left -= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_limit_is_divided_and_what_one_cannot_use_goes_to_the_others() {
        let cases = [
            (100, vec![None; 4], vec![25, 25, 25, 25]),
            (10, vec![None; 4], vec![3, 3, 2, 2]),
            (10, vec![Some(1), None, None], vec![1, 5, 4]),
            (100, vec![Some(5), Some(7), None], vec![5, 7, 88]),
            (100, vec![Some(5), Some(7)], vec![5, 7]),
            (4, vec![None, Some(0)], vec![3, 1]),
            (1, vec![None, None], vec![1, 1]),
            (u32::MAX, vec![None], vec![u32::MAX]),
            (5, vec![], vec![]),
        ];
        for (lane, caps, parts) in cases {
            assert_eq!(split_equally(lane, &caps), parts, "{lane} over {caps:?}");
        }
    }

    proptest! {
        #[test]
        fn every_part_is_at_least_one_within_its_cap_and_the_sum_within_the_lane(
            lane in any::<u32>(),
            small in 0_u32..500,
            caps in prop::collection::vec(prop::option::of(prop_oneof![0_u32..50, any::<u32>()]), 0..40),
        ) {
            for limit in [lane, small] {
                let parts = split_equally(limit, &caps);
                prop_assert_eq!(parts.len(), caps.len());
                prop_assert!(parts.iter().zip(&caps).all(|(part, cap)| *part >= 1 && *part <= cap.unwrap_or(u32::MAX).max(1)));
                let sum: u64 = parts.iter().map(|p| u64::from(*p)).sum();
                let wanted: u64 = caps.iter().map(|c| u64::from(c.unwrap_or(u32::MAX).max(1))).sum();
                // Nothing is left over that somebody could use.
                prop_assert_eq!(sum, u64::from(limit).max(caps.len() as u64).min(wanted));
                let open = || parts.iter().zip(&caps).filter(|(part, cap)| cap.is_none_or(|c| **part < c)).map(|(part, _)| part);
                let (least, most) = (open().min(), parts.iter().max());
                prop_assert!(least.is_none_or(|least| most.is_none_or(|most| *most - *least <= 1)), "{:?}", parts);
            }
        }
    }
}
