//! Dividing places by weight, within bounds: water that rises at one level in vessels of different width.

/// One that takes part in a division.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vessel {
    /// Its part among those whose bounds do not hold; more than 0.
    pub(super) weight: f64,
    /// It gets no less.
    pub(super) least: u32,
    /// It gets no more, unless that is less than the least.
    pub(super) most: u32,
}

/// Halvings of the interval in which the level lies: beyond the precision of its number.
const STEPS: u32 = 64;

/// Divides `total` so that each gets as near to its weight's part as its bounds allow; what is left of the division
/// goes to the largest remainders, and of equal ones to the first.
///
/// The sum is `total`, unless the bounds do not allow it: then it is the nearest that they do.
pub(super) fn fill(total: u32, vessels: &[Vessel]) -> Vec<u32> {
    let most: u64 = vessels.iter().map(|v| u64::from(v.top())).sum();
    if most <= u64::from(total) {
        return vessels.iter().map(Vessel::top).collect();
    }
    let level = level(total, vessels);
    let exact: Vec<f64> = vessels.iter().map(|v| v.at(level)).collect();
    let mut parts: Vec<u32> = exact.iter().map(|part| part.floor() as u32).collect();
    let given: u64 = parts.iter().map(|part| u64::from(*part)).sum();
    let left = u64::from(total).saturating_sub(given) as usize;
    let mut open: Vec<usize> = (0..parts.len())
        .filter(|at| parts[*at] < vessels[*at].top())
        .collect();
    open.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    for at in open.into_iter().take(left) {
        parts[at] += 1;
    }
    parts
}

impl Vessel {
    fn top(&self) -> u32 {
        self.most.max(self.least)
    }

    fn at(&self, level: f64) -> f64 {
        (level * self.weight).clamp(f64::from(self.least), f64::from(self.top()))
    }
}

/// The highest level at which no more than `total` is in the vessels, which together hold more.
fn level(total: u32, vessels: &[Vessel]) -> f64 {
    let full = vessels.iter().map(|v| f64::from(v.top()) / v.weight);
    let (mut low, mut high) = (0.0, full.fold(0.0, f64::max));
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        let sum: f64 = vessels.iter().map(|v| v.at(middle)).sum();
        if sum > f64::from(total) {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vessel((weight, least, most): (u32, u32, u32)) -> Vessel {
        Vessel {
            weight: f64::from(weight),
            least,
            most,
        }
    }

    #[test]
    fn a_total_is_divided_by_weight_and_what_one_cannot_take_goes_to_the_others() {
        const FAR: u32 = u32::MAX;
        let cases = [
            (100, vec![(1, 1, FAR); 4], vec![25, 25, 25, 25]),
            (
                20,
                vec![(40, 1, FAR), (30, 1, FAR), (20, 1, FAR), (10, 1, FAR)],
                vec![8, 6, 4, 2],
            ),
            (10, vec![(1, 1, FAR); 4], vec![3, 3, 2, 2]),
            (20, vec![(40, 1, 3), (30, 1, FAR), (20, 1, 5)], vec![3, 12, 5]),
            (20, vec![(98, 1, FAR), (1, 1, FAR), (1, 1, FAR)], vec![18, 1, 1]),
            (3, vec![(9, 0, FAR), (1, 0, FAR)], vec![3, 0]),
            (100, vec![(1, 1, 5), (1, 1, 7)], vec![5, 7]),
            (1, vec![(1, 1, FAR), (1, 1, FAR)], vec![1, 1]),
            (4, vec![(1, 1, FAR), (1, 1, 0)], vec![3, 1]),
            (FAR, vec![(1, 1, FAR)], vec![FAR]),
            (5, vec![], vec![]),
        ];
        for (total, vessels, parts) in cases {
            let of: Vec<Vessel> = vessels.iter().copied().map(vessel).collect();
            assert_eq!(fill(total, &of), parts, "{total} over {vessels:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_keep_to_their_bounds_fill_the_total_and_are_in_proportion(
            total in prop_oneof![0_u32..500, any::<u32>()],
            given in prop::collection::vec((1_u32..1000, 0_u32..20, prop_oneof![0_u32..60, any::<u32>()]), 0..40),
        ) {
            let vessels: Vec<Vessel> = given.into_iter().map(vessel).collect();
            let parts = fill(total, &vessels);
            prop_assert_eq!(parts.len(), vessels.len());
            prop_assert!(parts.iter().zip(&vessels).all(|(p, v)| *p >= v.least && *p <= v.top()));
            let sum = |of: &dyn Fn(&Vessel) -> u32| vessels.iter().map(|v| u64::from(of(v))).sum::<u64>();
            let wanted = u64::from(total).max(sum(&|v| v.least)).min(sum(&Vessel::top));
            prop_assert_eq!(parts.iter().map(|p| u64::from(*p)).sum::<u64>(), wanted);
            // Of two that could have more or less, neither is ahead by more than the place that cannot be divided.
            for (p, v) in parts.iter().zip(&vessels).filter(|(p, v)| **p > v.least) {
                for (q, w) in parts.iter().zip(&vessels).filter(|(q, w)| **q < w.top()) {
                    let (ahead, behind) = (f64::from(*p) - 1.0, f64::from(*q) + 1.0);
                    let slack = 1e-6 * (1.0 + ahead);
                    prop_assert!(ahead / v.weight <= (behind + slack) / w.weight, "{p} of {v:?}, {q} of {w:?}");
                }
            }
        }
    }
}
