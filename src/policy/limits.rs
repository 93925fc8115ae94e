//! A lane's limit, divided over the consumers that serve it.

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
