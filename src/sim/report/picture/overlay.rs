//! Curves that are one: each is drawn over the earlier ones with gaps through which they are seen.

use crate::sim::report::figures::Report;

/// How a curve is drawn among those that run where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layer {
    /// How many of them lie below it.
    below: i32,
    /// How many there are, itself among them.
    of: i32,
}

impl Layer {
    /// A dash and a gap, so that of every curve as much is seen; none where the line is whole.
    pub(super) const fn dash(self) -> Option<(i32, i32)> {
        /// What is seen of each curve between two gaps.
        const SEEN: i32 = 14;
        match self.below {
            0 => None,
            below => Some((SEEN * (self.of - below), SEEN * below)),
        }
    }

    /// The radius of its dots, of `whole` where there is no other.
    pub(super) fn radius(self, whole: i32) -> i32 {
        (whole * (self.of - self.below) / self.of).max(2)
    }
}

/// The layer of the curve at `place`.
pub(super) fn layer(reports: &[Report], place: usize) -> Layer {
    let alike = |others: &[Report]| {
        let count = others
            .iter()
            .filter(|other| are_one(other, &reports[place]))
            .count();
        i32::try_from(count).unwrap_or(i32::MAX)
    };
    let below = alike(&reports[..place]);
    Layer {
        below,
        of: below + 1 + alike(&reports[place + 1..]),
    }
}

/// Whether most of one curve lies within a line's width of the other.
fn are_one(one: &Report, other: &Report) -> bool {
    const WIDTH: f64 = 0.02;
    let points = std::iter::zip(&one.curve, &other.curve);
    let near = points.filter(|((a, _), (b, _))| (a - b).abs() <= WIDTH * a.max(*b));
    2 * near.count() > one.curve.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::sample::report;

    fn slower(policy: &str, times: f64) -> Report {
        let mut report = report(policy);
        report.curve.iter_mut().for_each(|(ms, _)| *ms *= times);
        report
    }

    #[test]
    fn curves_that_are_one_are_seen_through_each_others_gaps() {
        let reports = [
            slower("a", 1.0),
            slower("b", 2.0),
            slower("c", 1.01),
            slower("d", 0.99),
        ];
        let layers = [0, 1, 2, 3].map(|place| layer(&reports, place));

        assert_eq!(
            layers.map(Layer::dash),
            [None, None, Some((28, 14)), Some((14, 28))]
        );
        assert_eq!(layers.map(|layer| layer.radius(9)), [9, 9, 6, 3]);
    }

    #[test]
    fn policies_under_which_nothing_was_done_are_not_one() {
        let mut reports = [report("a"), report("b")];
        reports.iter_mut().for_each(|report| report.curve.clear());

        assert_eq!(layer(&reports, 1), Layer { below: 0, of: 1 });
    }
}
