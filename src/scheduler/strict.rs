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
    /// It was chosen, and not charged for that yet.
    is_fresh: bool,
    out: Out,
}

/// Charges that are not settled yet, in ms of one slot.
#[derive(Debug, Clone, Copy, Default)]
struct Out {
    charged_ms: f64,
    /// What of it was served out of what was owed.
    floor_ms: f64,
    /// What of it owes a part to those below, who had work.
    owing_ms: f64,
}

/// Parts of a charge.
#[derive(Debug, Clone, Copy)]
struct Parts {
    floor: f64,
    owing: f64,
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
            is_fresh: false,
            out: Out::default(),
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
        let place = &mut self.places[queue.0];
        (place.by_floor, place.is_fresh) = (owed.is_some(), true);
        Some(queue)
    }

    /// A queue was picked out of turn. Below the most urgent tier that counts as owed.
    pub(super) fn taken(&mut self, queue: QueueId) {
        let top = self.by_rank.best(Moment::default());
        let place = &mut self.places[queue.0];
        (place.by_floor, place.is_fresh) = (top != Some(place.tier), true);
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

    /// Books what one more task is expected to cost.
    pub(super) fn charge(&mut self, queue: QueueId, cost_ms: f64) {
        if !self.places[queue.0].is_fresh {
            self.taken(queue);
        }
        let has_others = self.tiers.iter().filter(|tier| tier.ready > 0).nth(1).is_some();
        let place = &mut self.places[queue.0];
        place.is_fresh = false;
        let part = |is_it: bool| if is_it { 1.0 } else { 0.0 };
        // Where it is the most urgent tier that has work, all others are below.
        let parts = Parts {
            floor: part(place.by_floor),
            owing: part(!place.by_floor && has_others),
        };
        place.out.add(cost_ms, parts);
        self.book(queue, cost_ms, parts);
    }

    /// Corrects a charge. Which of those that are out it was is not known: it counts in the parts in which they do.
    pub(super) fn settle(&mut self, queue: QueueId, charged_ms: f64, cost_ms: f64) {
        let parts = self.places[queue.0].out.take(charged_ms);
        self.book(queue, cost_ms - charged_ms, parts);
    }

    fn book(&mut self, queue: QueueId, cost_ms: f64, parts: Parts) {
        let place = self.places[queue.0];
        let tier = &mut self.tiers[place.tier];
        tier.classes[place.party].by_service.charge(place.member, cost_ms);
        tier.by_service.charge(place.party, cost_ms);
        let floor_ms = parts.floor * cost_ms;
        let paid_ms = (1.0 - self.floor) * floor_ms;
        // Picks out of turn pay no more than one task ahead.
        self.owed_ms = (self.owed_ms - paid_ms).max(self.owed_ms.min(-paid_ms.abs()));
        self.owed_ms += self.floor * parts.owing * cost_ms;
        self.by_service.charge(place.tier, floor_ms);
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

impl Out {
    fn add(&mut self, cost_ms: f64, parts: Parts) {
        self.charged_ms += cost_ms;
        self.floor_ms += parts.floor * cost_ms;
        self.owing_ms += parts.owing * cost_ms;
    }

    /// Takes so much out of it, in the parts that it has.
    fn take(&mut self, charged_ms: f64) -> Parts {
        if self.charged_ms <= 0.0 {
            return Parts {
                floor: 0.0,
                owing: 0.0,
            };
        }
        let part = |of_ms: f64| (of_ms / self.charged_ms).clamp(0.0, 1.0);
        let parts = Parts {
            floor: part(self.floor_ms),
            owing: part(self.owing_ms),
        };
        self.add(-charged_ms.min(self.charged_ms), parts);
        parts
    }
}

/// The rank of a queue on the lane of that place, 0 the most urgent, with a class of that priority.
pub(super) const fn rank(lane: u32, priority: u32) -> u64 {
    ((lane as u64) << 32) | priority as u64
}
