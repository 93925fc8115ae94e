//! The books: every task that was accepted has ended or is somewhere. A pure function of what the streams hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::task::{EpochMs, State, TaskId};

/// A task that is somewhere, not ended as far as that place knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which task.
    pub id: TaskId,
    /// What it is there.
    pub state: State,
    /// The record it replaces, 0 for none: one of a later sequence decides it.
    pub fence: u64,
}

/// A terminal record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its sequence.
    pub sequence: u64,
    /// When it was stored.
    pub at: EpochMs,
    /// The state it decides.
    pub state: State,
}

/// What the streams hold, read one after the other: copies first, records last, as tasks move.
#[derive(Debug, Clone)]
pub struct Census {
    /// From lanes, reports, timers, what waits aside, and the archive.
    pub copies: Vec<Live>,
    /// When each dead letter was stored.
    pub letters: HashMap<TaskId, EpochMs>,
    /// The terminal record of each task.
    pub records: HashMap<TaskId, Ended>,
    /// What gateways have confirmed, and when it was asked for.
    pub confirmed: HashMap<TaskId, EpochMs>,
    /// Records are kept from here on. What ended before is not in the books.
    pub since: EpochMs,
}

impl Census {
    /// Nothing read yet, of books that begin at `since`.
    #[must_use]
    pub fn new(since: EpochMs) -> Self {
        Self {
            copies: Vec::new(),
            letters: HashMap::new(),
            records: HashMap::new(),
            confirmed: HashMap::new(),
            since,
        }
    }
}

/// What does not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mistake {
    /// A gateway has confirmed it, and it is nowhere.
    Lost,
    /// It is dead, and there is no dead letter.
    NoLetter,
    /// There is a dead letter, and no record says that it is dead.
    NoRecord,
    /// It has ended, and still lies in the archive.
    Parked,
}

impl Mistake {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Mistake::Lost => "lost",
            Mistake::NoLetter => "no_letter",
            Mistake::NoRecord => "no_record",
            Mistake::Parked => "parked",
        }
    }
}

/// The sum of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Distinct tasks.
    pub accepted: u64,
    /// Those that have ended.
    pub terminal: u64,
    /// Those that are somewhere.
    pub live: u64,
    /// Terminal and live ones, by state.
    pub states: BTreeMap<State, u64>,
    /// What does not add up, by task. `accepted` is more than `terminal` and `live` by those that are lost.
    pub mistakes: Vec<(Mistake, TaskId)>,
}

/// Adds up.
#[must_use]
pub fn balance(census: &Census) -> Ledger {
    let mut live: HashMap<&TaskId, State> = HashMap::new();
    let mut ledger = Ledger::default();
    for copy in &census.copies {
        let decided = census
            .records
            .get(&copy.id)
            .is_some_and(|ended| ended.sequence > copy.fence);
        if !decided {
            live.insert(&copy.id, copy.state);
        } else if copy.state == State::Archived {
            ledger.mistakes.push((Mistake::Parked, copy.id.clone()));
        }
    }
    let mut known: HashSet<&TaskId> = live.keys().copied().collect();
    for state in live.values() {
        *ledger.states.entry(*state).or_default() += 1;
    }
    ledger.live = known.len() as u64;
    for (id, ended) in &census.records {
        if known.insert(id) {
            ledger.terminal += 1;
            *ledger.states.entry(ended.state).or_default() += 1;
            if ended.state == State::Dead && !census.letters.contains_key(id) {
                ledger.mistakes.push((Mistake::NoLetter, id.clone()));
            }
        }
    }
    for (id, at) in &census.letters {
        // A letter outlives its record by far.
        if *at >= census.since && known.insert(id) {
            ledger.terminal += 1;
            *ledger.states.entry(State::Dead).or_default() += 1;
            ledger.mistakes.push((Mistake::NoRecord, id.clone()));
        }
    }
    let is_inside = |at: &EpochMs| *at >= census.since;
    let lost: Vec<&TaskId> = census
        .confirmed
        .iter()
        .filter(|(id, at)| is_inside(at) && !known.contains(id) && !census.letters.contains_key(*id))
        .map(|(id, _)| id)
        .collect();
    ledger.accepted = (known.len() + lost.len()) as u64;
    ledger
        .mistakes
        .extend(lost.into_iter().map(|id| (Mistake::Lost, id.clone())));
    ledger.mistakes.sort();
    ledger
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> TaskId {
        TaskId::new(name).unwrap()
    }

    fn copy(name: &str, state: State, fence: u64) -> Live {
        Live {
            id: id(name),
            state,
            fence,
        }
    }

    fn ended(sequence: u64, state: State) -> Ended {
        Ended {
            sequence,
            at: EpochMs(50),
            state,
        }
    }

    fn census() -> Census {
        Census {
            copies: vec![
                copy("queued", State::Queued, 0),
                copy("parked", State::Archived, 0),
                // On its lane and acked in a moment, or replayed under its old record.
                copy("done", State::Queued, 0),
                copy("replayed", State::Queued, 7),
            ],
            letters: [(id("dead"), EpochMs(50)), (id("old"), EpochMs(1))].into(),
            records: [
                (id("done"), ended(3, State::Completed)),
                (id("dead"), ended(4, State::Dead)),
                (id("replayed"), ended(7, State::Dead)),
            ]
            .into(),
            confirmed: [(id("done"), EpochMs(50)), (id("aged"), EpochMs(1))].into(),
            since: EpochMs(10),
        }
    }

    #[test]
    fn books_that_add_up_have_no_mistake() {
        let ledger = balance(&census());
        assert_eq!(ledger.mistakes, []);
        assert_eq!((ledger.accepted, ledger.terminal, ledger.live), (5, 2, 3));
        let states: Vec<(State, u64)> = ledger.states.into_iter().collect();
        let expected = [
            (State::Queued, 2),
            (State::Archived, 1),
            (State::Completed, 1),
            (State::Dead, 1),
        ];
        assert_eq!(states, expected);
    }

    #[test]
    fn every_mistake_is_found_by_its_name() {
        let mut census = census();
        census.confirmed.insert(id("lost"), EpochMs(50));
        census.letters.remove(&id("dead"));
        census.letters.insert(id("bare"), EpochMs(50));
        census.copies.push(copy("done", State::Archived, 0));
        let ledger = balance(&census);
        let expected = [
            (Mistake::Lost, id("lost")),
            (Mistake::NoLetter, id("dead")),
            (Mistake::NoRecord, id("bare")),
            (Mistake::Parked, id("done")),
        ];
        assert_eq!(ledger.mistakes, expected);
        assert_eq!(ledger.accepted, ledger.terminal + ledger.live + 1);
    }
}
