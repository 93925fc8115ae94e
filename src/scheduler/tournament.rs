//! The best of many whose order may change by itself as time passes: a kinetic tournament.
//!
//! A binary tree over all places. Each inner node keeps the better of its two children and until when it surely
//! stays so (Basch, Guibas and Hershberger, "Data structures for mobile data"). A change costs at most one path to the
//! root; a look costs nothing while the root's certificate holds, and else the paths whose certificates ran out.

use std::time::Duration;

use crate::task::Moment;

/// A moment as a number: a tournament compares more of them than it is given.
pub(super) type Nanos = u64;

/// For ever.
pub(super) const NEVER: Nanos = Nanos::MAX;

/// No place.
const NOBODY: u32 = u32::MAX;

/// What can be in a tournament.
pub(super) trait Contender: Copy + PartialEq {
    /// Whether it goes before `other` at `now`, and until when that surely stays so. Of two that are alike either may.
    fn duel(&self, other: &Self, now: Nanos) -> (bool, Nanos);
}

/// A number that does not change by itself. The lower one goes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Least<T>(pub(super) T);

impl<T: Copy + PartialOrd> Contender for Least<T> {
    fn duel(&self, other: &Self, _: Nanos) -> (bool, Nanos) {
        (self.0 <= other.0, NEVER)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    winner: u32,
    until: Nanos,
}

const EMPTY: Node = Node {
    winner: NOBODY,
    until: NEVER,
};

/// Places with a contender each, or with none.
#[derive(Debug, Clone)]
pub(super) struct Tournament<C> {
    places: Vec<Option<C>>,
    /// The root is 1, the children of n are 2n and 2n + 1, the leaves are the last half.
    nodes: Vec<Node>,
}

impl<C> Default for Tournament<C> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            nodes: Vec::new(),
        }
    }
}

impl<C: Contender> Tournament<C> {
    /// Makes room for places up to `at`.
    fn reach(&mut self, at: usize, now: Nanos) {
        if at < self.places.len() {
            return;
        }
        let size = (at + 1).next_power_of_two().max(2);
        self.places.resize(size, None);
        self.nodes = vec![EMPTY; 2 * size];
        for leaf in 0..size {
            if self.places[leaf].is_some() {
                self.nodes[size + leaf].winner = leaf as u32;
            }
        }
        for node in (1..size).rev() {
            self.nodes[node] = self.play(node, now);
        }
    }

    /// Gives a place a contender, or takes it out.
    pub(super) fn set(&mut self, at: usize, contender: Option<C>, now: Moment) {
        let now = nanos(now);
        self.reach(at, now);
        if self.places[at] == contender {
            return;
        }
        self.places[at] = contender;
        let leaf = self.places.len() + at;
        let place = at as u32;
        self.nodes[leaf].winner = if contender.is_some() { place } else { NOBODY };
        let mut node = leaf / 2;
        while node >= 1 {
            let played = self.play(node, now);
            // Where it neither won nor wins, nothing above has heard of it.
            if played == self.nodes[node] && played.winner != place {
                return;
            }
            self.nodes[node] = played;
            node /= 2;
        }
    }

    /// The contender of a place.
    pub(super) fn get(&self, at: usize) -> Option<&C> {
        self.places.get(at)?.as_ref()
    }

    /// The best place at `now`, which must not be before any time given earlier.
    pub(super) fn best(&mut self, now: Moment) -> Option<usize> {
        if self.nodes.is_empty() {
            return None;
        }
        self.refresh(1, nanos(now));
        let winner = self.nodes[1].winner;
        (winner != NOBODY).then_some(winner as usize)
    }

    fn refresh(&mut self, node: usize, now: Nanos) {
        if node >= self.places.len() || self.nodes[node].until > now {
            return;
        }
        self.refresh(2 * node, now);
        self.refresh(2 * node + 1, now);
        self.nodes[node] = self.play(node, now);
    }

    fn play(&self, node: usize, now: Nanos) -> Node {
        let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
        let contender = |of: Node| self.places.get(of.winner as usize).and_then(Option::as_ref);
        let (Some(a), Some(b)) = (contender(left), contender(right)) else {
            let only = if left.winner == NOBODY { right } else { left };
            return Node {
                until: left.until.min(right.until),
                ..only
            };
        };
        let (is_left, until) = a.duel(b, now);
        Node {
            winner: if is_left { left.winner } else { right.winner },
            until: left.until.min(right.until).min(until),
        }
    }
}

/// A moment that lies further ahead than a number can say is never.
pub(super) const fn nanos(at: Moment) -> Nanos {
    let Moment(at) = at;
    at.as_secs()
        .saturating_mul(Duration::from_secs(1).as_nanos() as Nanos)
        .saturating_add(at.subsec_nanos() as Nanos)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::super::merit::{Curve, Merit};
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

    thread_local! {
        static DUELS: Cell<u32> = const { Cell::new(0) };
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Counted(u64);

    impl Contender for Counted {
        fn duel(&self, other: &Self, now: Nanos) -> (bool, Nanos) {
            DUELS.set(DUELS.get() + 1);
            Least(self.0).duel(&Least(other.0), now)
        }
    }

    proptest! {
        #[test]
        fn a_change_costs_at_most_one_comparison_a_level_and_a_look_none(
            levels in 1_u32..13,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 1..50),
        ) {
            let (size, now) = (1 << levels, Moment::default());
            let mut tournament = Tournament::default();
            (0..size).for_each(|at| tournament.set(at, Some(Counted(at as u64)), now));
            for (at, value) in changes {
                DUELS.set(0);
                tournament.set(at.index(size), Some(Counted(value)), now);
                prop_assert!(DUELS.get() <= levels);
                DUELS.set(0);
                tournament.best(now);
                prop_assert_eq!(DUELS.get(), 0);
            }
        }

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
                let merit = merit.map(|(tier, curve)| {
                    let curve = if same(&curve) { curve } else { kind };
                    Merit::new(tier, curve, Moment(now.0 / 2))
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
