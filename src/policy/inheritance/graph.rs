//! Who waits for whom, with the effective priority of each kept up to date.

use std::collections::{BTreeMap, BTreeSet};

use super::Party;

/// The effective priority of what nobody waits for and what has none of its own.
const LEAST: u32 = u32::MAX;

/// Parties by what they wait for. Whoever is not in it waits for nothing and is waited for by nobody.
///
/// A change of one priority visits each party that it changes once, and those that they wait for: a party keeps its
/// value until the last way by which it came has changed, and then takes its final one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Graph {
    places: BTreeMap<Party, Place>,
}

#[derive(Debug, Clone, PartialEq)]
struct Place {
    /// None for a key, and for a task that is only waited for and is not there yet.
    own: Option<u32>,
    /// Invariant: the least of `own` and of the priorities in `heirs`.
    effective: u32,
    waits_for: BTreeSet<Party>,
    /// Whoever waits for it, with their effective priority: the most urgent first.
    heirs: BTreeSet<(u32, Party)>,
}

/// The effective priorities of parties as they were before.
pub(super) type Before = BTreeMap<Party, u32>;

impl Graph {
    /// The effective priority of a party that has one of its own.
    pub(super) fn effective(&self, party: &Party) -> Option<u32> {
        let place = self.places.get(party)?;
        place.own.map(|_| place.effective)
    }

    pub(super) fn waits_for(&self, party: &Party) -> impl Iterator<Item = &Party> {
        self.places
            .get(party)
            .into_iter()
            .flat_map(|place| &place.waits_for)
    }

    pub(super) fn heirs(&self, party: &Party) -> impl Iterator<Item = &Party> {
        let place = self.places.get(party).into_iter();
        place.flat_map(|place| place.heirs.iter().map(|(_, heir)| heir))
    }

    /// Sets a party's own priority, none where it has none any more.
    pub(super) fn set_own(&mut self, party: &Party, own: Option<u32>, before: &mut Before) {
        self.place(party).own = own;
        self.refresh(party, before);
        self.forget_if_unused(party);
    }

    pub(super) fn connect(&mut self, from: &Party, to: &Party, before: &mut Before) {
        let place = self.place(from);
        if place.waits_for.insert(to.clone()) {
            let urgency = place.effective;
            self.place(to).heirs.insert((urgency, from.clone()));
            self.refresh(to, before);
        }
    }

    pub(super) fn disconnect(&mut self, from: &Party, to: &Party, before: &mut Before) {
        let Some(place) = self.places.get_mut(from) else {
            return;
        };
        if place.waits_for.remove(to) {
            let urgency = place.effective;
            self.place(to).heirs.remove(&(urgency, from.clone()));
            self.refresh(to, before);
            self.forget_if_unused(to);
            self.forget_if_unused(from);
        }
    }

    fn place(&mut self, party: &Party) -> &mut Place {
        self.places.entry(party.clone()).or_insert_with(|| Place {
            own: None,
            effective: LEAST,
            waits_for: BTreeSet::new(),
            heirs: BTreeSet::new(),
        })
    }

    fn forget_if_unused(&mut self, party: &Party) {
        let unused =
            |place: &Place| place.own.is_none() && place.waits_for.is_empty() && place.heirs.is_empty();
        if self.places.get(party).is_some_and(unused) {
            self.places.remove(party);
        }
    }

    /// Computes the effective priority of `party` anew, and of whoever it waits for, as far as that changes anything.
    fn refresh(&mut self, party: &Party, before: &mut Before) {
        let mut stale = vec![party.clone()];
        while let Some(party) = stale.pop() {
            let Some(place) = self.places.get_mut(&party) else {
                continue;
            };
            let inherited = place.heirs.first().map(|(urgency, _)| *urgency);
            let now = place.own.into_iter().chain(inherited).min().unwrap_or(LEAST);
            let was = std::mem::replace(&mut place.effective, now);
            if was == now {
                continue;
            }
            if place.own.is_some() {
                before.entry(party.clone()).or_insert(was);
            }
            for to in place.waits_for.clone() {
                let heirs = &mut self.place(&to).heirs;
                heirs.remove(&(was, party.clone()));
                heirs.insert((now, party.clone()));
                stale.push(to);
            }
        }
    }
}
