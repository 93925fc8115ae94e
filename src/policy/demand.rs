//! How many places a consumer could use, from what two sweeps saw of it.

/// What a sweep saw of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Tasks that wait and would be given out.
    pub waiting: u64,
    /// Tasks that are out.
    pub out: u64,
    /// Tasks that may be out.
    pub limit: u64,
}

/// What a consumer could use, and what that was told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    seen: Seen,
    own: u64,
}

/// A consumer that leaves places unused is reckoned to use this many more than it does, and a quarter of those.
const GROWTH_MIN: u64 = 2;
const GROWTH_PART: u64 = 4;

impl Demand {
    /// What `now` says, after what was said before.
    ///
    /// One that was seen twice with tasks waiting and places unused has no worker for them: they are of more use to
    /// another one.
    #[must_use]
    pub fn of(now: Seen, before: Option<&Demand>) -> Self {
        let all = now.out.saturating_add(now.waiting);
        let own = match before {
            Some(before) if now.leaves_places() && before.seen.leaves_places() => {
                let used = now.out.max(before.seen.out);
                all.min(used + GROWTH_MIN.max(used / GROWTH_PART))
            }
            _ => all,
        };
        Self { seen: now, own }
    }

    /// Tasks that it could have out. Where there are any, half of the places that it could use at the last sweep are
    /// kept for it until the next, so that places do not go to and fro with every lull.
    #[must_use]
    pub fn places(&self, before: Option<&Demand>) -> u32 {
        let before = before.filter(|_| self.own > 0);
        let kept = before.map_or(0, |before| before.own.min(before.seen.limit) / 2);
        u32::try_from(self.own.max(kept)).unwrap_or(u32::MAX)
    }
}

impl Seen {
    fn leaves_places(&self) -> bool {
        self.waiting > 0 && self.out < self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen((waiting, out, limit): (u64, u64, u64)) -> Seen {
        Seen { waiting, out, limit }
    }

    #[test]
    fn a_consumer_can_use_what_waits_unless_it_leaves_places_unused() {
        for (before, now, places, says) in [
            (None, (0, 0, 5), 0, "idle"),
            (None, (90, 0, 5), 90, "a burst that no worker has come to"),
            (Some((0, 0, 5)), (90, 0, 5), 90, "the same after an idle sweep"),
            (Some((90, 5, 5)), (80, 5, 5), 85, "at its limit"),
            (Some((90, 2, 10)), (80, 2, 10), 5, "half is kept the first time"),
            (Some((9, 2, 10)), (9, 3, 10), 5, "its workers have three slots"),
            (Some((40, 16, 90)), (50, 12, 90), 28, "half is kept of 56"),
            (Some((0, 8, 10)), (0, 1, 10), 4, "half is kept in a lull"),
            (Some((0, 8, 10)), (0, 0, 10), 0, "nothing of one that is done"),
        ] {
            let before = before.map(|before| Demand::of(seen(before), None));
            let demand = Demand::of(seen(now), before.as_ref());
            assert_eq!(demand.places(before.as_ref()), places, "{says}");
        }
    }

    #[test]
    fn one_whose_tasks_no_worker_comes_to_keeps_little_after_two_sweeps() {
        let mut demand = Demand::of(seen((500, 2, 20)), None);
        for places in [10, 4, 4] {
            let next = Demand::of(seen((500, 2, 20)), Some(&demand));
            assert_eq!(next.places(Some(&demand)), places);
            demand = next;
        }
    }
}
