//! The most urgent first, with a floor for all others.
//!
//! A tier is a lane and a priority. The most urgent tier that has work is served, and each of its milliseconds owes
//! `floor` of one to those below; while something is owed, the tier below that was served least for its share goes
//! first. So over any time in which both have work, the tiers below get at least `floor` of the service, less one
//! task. Within a tier classes share by weight, within a class its queues equally.

use super::counters::Counters;
use super::facts::{ClassId, QueueId};
use super::tournament::{Least, Tournament};
use crate::task::Moment;

/// Tiers, and what those below the most urgent are owed.
#[derive(Debug, Clone)]
pub(super) struct Strict {
    floor: f64,
    owed_ms: f64,
    tiers: Vec<Tier>,
    by_rank: Tournament<Least<u64>>,
    /// The tiers by what they got for their shares, for what is owed.
    by_service: Counters,
    places: Vec<Place>,
}

#[derive(Debug, Clone)]
struct Tier {
    rank: u64,
    classes: Vec<Party>,
    by_service: Counters,
    ready: u32,
}

/// A class within a tier.
#[derive(Debug, Clone)]
struct Party {
    class: ClassId,
    queues: Vec<QueueId>,
    by_service: Counters,
    ready: u32,
}

/// Where a queue stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    tier: usize,
    party: usize,
    member: usize,
    is_ready: bool,
    /// Its last task was served out of what is owed.
    by_floor: bool,
}

impl Strict {
    pub(super) fn new(floor: f64) -> Self {
        Self {
            floor,
            owed_ms: 0.0,
            tiers: Vec::new(),
            by_rank: Tournament::default(),
            by_service: Counters::default(),
            places: Vec::new(),
        }
    }

    /// Adds the next queue; `rank` is lower for what is more urgent.
    pub(super) fn add(&mut self, class: ClassId, share: f64, rank: u64) {
        let queue = QueueId(self.places.len());
        let tier = match self.tiers.iter().position(|tier| tier.rank == rank) {
            Some(at) => at,
            None => {
                self.tiers.push(Tier {
                    rank,
                    classes: Vec::new(),
                    by_service: Counters::default(),
                    ready: 0,
                });
                self.by_service.add(share);
                self.tiers.len() - 1
            }
        };
        let of = &mut self.tiers[tier];
        let party = match of.classes.iter().position(|party| party.class == class) {
            Some(at) => at,
            None => {
                of.classes.push(Party {
                    class,
                    queues: Vec::new(),
                    by_service: Counters::default(),
                    ready: 0,
                });
                of.by_service.add(share);
                of.classes.len() - 1
            }
        };
        let of = &mut of.classes[party];
        of.queues.push(queue);
        self.places.push(Place {
            tier,
            party,
            member: of.by_service.add(1.0),
            is_ready: false,
            by_floor: false,
        });
    }

    pub(super) fn ready(&mut self, queue: QueueId) {
        let place = &mut self.places[queue.0];
        if std::mem::replace(&mut place.is_ready, true) {
            return;
        }
        let (at, tier) = (place.tier, &mut self.tiers[place.tier]);
        let party = &mut tier.classes[place.party];
        party.by_service.ready(place.member);
        party.ready += 1;
        tier.by_service.ready(place.party);
        tier.ready += 1;
        self.by_service.ready(at);
        self.enter(at);
    }

    pub(super) fn rest(&mut self, queue: QueueId) {
        let place = &mut self.places[queue.0];
        if !std::mem::replace(&mut place.is_ready, false) {
            return;
        }
        let (at, tier) = (place.tier, &mut self.tiers[place.tier]);
        let party = &mut tier.classes[place.party];
        party.by_service.rest(place.member);
        party.ready -= 1;
        if party.ready == 0 {
            tier.by_service.rest(place.party);
        }
        tier.ready -= 1;
        if tier.ready == 0 {
            self.by_service.rest(at);
        }
        self.enter(at);
    }

    pub(super) fn choose(&mut self) -> Option<QueueId> {
        let top = self.by_rank.best(Moment::default())?;
        let owed = self.owed_to(top);
        let tier = &mut self.tiers[owed.unwrap_or(top)];
        let party = tier.by_service.choose()?;
        let party = &mut tier.classes[party];
        let queue = party.queues[party.by_service.choose()?];
        self.places[queue.0].by_floor = owed.is_some();
        Some(queue)
    }

    /// A queue was picked out of turn. Below the most urgent tier that counts as owed.
    pub(super) fn taken(&mut self, queue: QueueId) {
        let top = self.by_rank.best(Moment::default());
        self.places[queue.0].by_floor = top != Some(self.places[queue.0].tier);
    }

    /// The tier below `top` whose turn it is because something is owed.
    fn owed_to(&mut self, top: usize) -> Option<usize> {
        if self.owed_ms <= 0.0 {
            return None;
        }
        self.by_service.rest(top);
        let owed = self.by_service.choose();
        self.by_service.ready(top);
        if owed.is_none() {
            // There is nobody to owe it to.
            self.owed_ms = 0.0;
        }
        owed
    }

    pub(super) fn charge(&mut self, queue: QueueId, cost_ms: f64) {
        let place = self.places[queue.0];
        let tier = &mut self.tiers[place.tier];
        tier.classes[place.party].by_service.charge(place.member, cost_ms);
        tier.by_service.charge(place.party, cost_ms);
        if place.by_floor {
            let paid_ms = (1.0 - self.floor) * cost_ms;
            // Picks out of turn pay no more than one task ahead.
            self.owed_ms = (self.owed_ms - paid_ms).max(self.owed_ms.min(-paid_ms.abs()));
            self.by_service.charge(place.tier, cost_ms);
        } else {
            self.owed_ms += self.floor * cost_ms;
        }
    }

    /// Whether the last task of a queue was served out of what is owed to its tier.
    pub(super) fn is_by_floor(&self, queue: QueueId) -> bool {
        self.places[queue.0].by_floor
    }

    /// What those below the most urgent are owed, in ms of one slot.
    pub(super) fn owed_ms(&self) -> f64 {
        self.owed_ms
    }

    /// The lane of a queue by its place, 0 the most urgent.
    pub(super) fn lane(&self, queue: QueueId) -> u64 {
        self.tiers[self.places[queue.0].tier].rank >> 32
    }

    fn enter(&mut self, at: usize) {
        let tier = &self.tiers[at];
        let rank = (tier.ready > 0).then_some(Least(tier.rank));
        self.by_rank.set(at, rank, Moment::default());
    }
}

/// The rank of a queue on the lane of that place, 0 the most urgent, with a class of that priority.
pub(super) const fn rank(lane: u32, priority: u32) -> u64 {
    ((lane as u64) << 32) | priority as u64
}
