//! The best of many whose order may change by itself as time passes: a kinetic tournament.
//!
//! A binary tree over all places. Each inner node keeps the better of its two children and until when it surely
//! stays so (Basch, Guibas and Hershberger, "Data structures for mobile data"). A change costs one path to the root;
//! a look costs nothing while the root's certificate holds, and else the paths whose certificates ran out.

use std::time::Duration;

use super::merit::Merit;
use crate::task::Moment;

/// No place.
const NOBODY: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    winner: u32,
    until: Moment,
}

const EMPTY: Node = Node {
    winner: NOBODY,
    until: Moment(Duration::MAX),
};

/// Places with a merit each, or with none.
#[derive(Debug, Clone, Default)]
pub(super) struct Tournament {
    merits: Vec<Option<Merit>>,
    /// The root is 1, the children of n are 2n and 2n + 1, the leaves are the last half.
    nodes: Vec<Node>,
}

impl Tournament {
    /// Makes room for places up to `at`.
    fn reach(&mut self, at: usize, now: Moment) {
        if at < self.merits.len() {
            return;
        }
        let size = (at + 1).next_power_of_two().max(2);
        self.merits.resize(size, None);
        self.nodes = vec![EMPTY; 2 * size];
        for leaf in 0..size {
            if self.merits[leaf].is_some() {
                self.nodes[size + leaf].winner = leaf as u32;
            }
        }
        for node in (1..size).rev() {
            self.nodes[node] = self.play(node, now);
        }
    }

    /// Gives a place a merit, or takes it out.
    pub(super) fn set(&mut self, at: usize, merit: Option<Merit>, now: Moment) {
        self.reach(at, now);
        if self.merits[at] == merit {
            return;
        }
        self.merits[at] = merit;
        let leaf = self.merits.len() + at;
        self.nodes[leaf].winner = if merit.is_some() { at as u32 } else { NOBODY };
        let mut node = leaf / 2;
        while node >= 1 {
            self.nodes[node] = self.play(node, now);
            node /= 2;
        }
    }

    /// The merit of a place.
    pub(super) fn get(&self, at: usize) -> Option<&Merit> {
        self.merits.get(at)?.as_ref()
    }

    /// The best place at `now`, which must not be before any time given earlier.
    pub(super) fn best(&mut self, now: Moment) -> Option<usize> {
        if self.nodes.is_empty() {
            return None;
        }
        self.refresh(1, now);
        let winner = self.nodes[1].winner;
        (winner != NOBODY).then_some(winner as usize)
    }

    fn refresh(&mut self, node: usize, now: Moment) {
        if node >= self.merits.len() || self.nodes[node].until > now {
            return;
        }
        self.refresh(2 * node, now);
        self.refresh(2 * node + 1, now);
        self.nodes[node] = self.play(node, now);
    }

    fn play(&self, node: usize, now: Moment) -> Node {
        let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
        let merit = |of: Node| self.merits.get(of.winner as usize).and_then(Option::as_ref);
        let (Some(a), Some(b)) = (merit(left), merit(right)) else {
            let only = if left.winner == NOBODY { right } else { left };
            return Node {
                until: left.until.min(right.until),
                ..only
            };
        };
        let (winner, led) = if b.is_before(a, now) {
            (right.winner, b.leads_until(a, now))
        } else {
            (left.winner, a.leads_until(b, now))
        };
        Node {
            winner,
            until: left.until.min(right.until).min(led),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::merit::Curve;
    use super::*;

    fn curve() -> impl Strategy<Value = Curve> {
        prop_oneof![
            (0.0_f64..100.0).prop_map(Curve::Flat),
            (0.0_f64..100.0, prop_oneof![Just(0.1), 0.05_f64..0.5])
                .prop_map(|(base, alpha)| Curve::Rising { base, alpha }),
            (0.0_f64..1.0, prop_oneof![Just(30.0), 1.0_f64..60.0]).prop_map(|(base, horizon_s)| {
                Curve::Closing {
                    base,
                    gain: 0.25,
                    horizon_s,
                }
            }),
        ]
    }

    proptest! {
        #[test]
        fn the_best_is_the_one_that_a_look_at_all_of_them_finds(
            kind in curve(),
            steps in prop::collection::vec((0_usize..24, prop::option::weighted(0.8, (0_u64..3, curve())), 0_u64..4000), 1..200),
        ) {
            let same = |curve: &Curve| std::mem::discriminant(curve) == std::mem::discriminant(&kind);
            let mut tournament = Tournament::default();
            let mut all: Vec<Option<Merit>> = vec![None; 24];
            let mut now = Moment::default();
            for (at, merit, later_ms) in steps {
                now = now + Duration::from_millis(later_ms);
                let merit = merit.map(|(tier, curve)| Merit {
                    tier,
                    curve: if same(&curve) { curve } else { kind },
                    since: Moment(now.0 / 2),
                });
                tournament.set(at, merit, now);
                all[at] = merit;
                now = now + Duration::from_millis(later_ms / 3);
                let best = tournament.best(now);
                let found = best.and_then(|at| all[at]);
                prop_assert_eq!(found.is_some(), all.iter().any(Option::is_some));
                for other in all.iter().flatten() {
                    let found = found.unwrap();
                    let (got, missed) = (found.score(now), other.score(now));
                    // Curves without a closed form are compared once in a millisecond.
                    let grain = 1e-3 * got.abs().max(1.0);
                    prop_assert!(found.tier < other.tier || (found.tier == other.tier && missed <= got + grain),
                        "{found:?} at {got} before {other:?} at {missed}");
                }
            }
        }
    }
}
