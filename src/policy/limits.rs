//! A lane's limit, divided over the consumers that serve it.
//!
//! Each class gets its share of the places, but no more than it can use as long as others can: water that rises in
//! vessels as wide as their shares and as high as their demand. [`lowered`] comes first and [`raised`] after what was
//! lowered has drained, so that what is out and what may be out together never pass the limit.

use super::water::{Vessel, fill};

/// Consumers of one lane at most: beyond it a replicated stream becomes slow.
pub const CONSUMERS_MAX: usize = 200;

/// A consumer is given places only if they are at least this part of those it has: what the server is told ten times
/// a minute must be worth it.
const WORTH_PART: u32 = 8;

/// Consumers of one class on a lane, which share what the class may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Its part among the classes of the lane; more than 0.
    pub weight: f64,
    /// Most places of all its consumers together; none where only the lane's limit holds.
    pub max: Option<u32>,
}

/// One consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its class, by place in the list of groups.
    pub group: usize,
    /// Tasks that may be out at once; 0 where it is still to be made.
    pub limit: u32,
    /// Tasks that are out; more than the limit while what was lowered drains.
    pub out: u32,
    /// Tasks that it could have out now.
    pub demand: u32,
}

impl Place {
    /// What has to be reckoned with.
    fn committed(&self) -> u32 {
        self.limit.max(self.out)
    }

    /// Places that it lacks, where that is worth a change.
    fn lacks(&self, target: u32) -> u32 {
        let more = target.saturating_sub(self.limit);
        let is_worth_it = self.demand > self.limit && more >= (self.limit / WORTH_PART).max(1);
        if is_worth_it { more } else { 0 }
    }
}

/// The limit each consumer should have: at least 1, because the server reads 0 as 1000. The sum is at most
/// `lane_limit`, unless that is less than the number of consumers, which validation refuses.
#[must_use]
pub fn targets(lane_limit: u32, groups: &[Group], places: &[Place]) -> Vec<u32> {
    let members = |group: usize| places.iter().filter(move |place| place.group == group);
    let wants: Vec<Want> = groups
        .iter()
        .enumerate()
        .map(|(at, group)| Want {
            weight: group.weight,
            least: u32::try_from(members(at).count()).unwrap_or(u32::MAX),
            demand: sum(members(at).map(|place| place.demand.max(1))),
            most: group.max.unwrap_or(u32::MAX),
        })
        // A class without a consumer takes no part.
        .map(|want| if want.least == 0 { want.absent() } else { want })
        .collect();
    let of_groups = divide(lane_limit, &wants);
    let mut targets = vec![0; places.len()];
    for (group, total) in of_groups.into_iter().enumerate() {
        let mine: Vec<usize> = (0..places.len())
            .filter(|at| places[*at].group == group)
            .collect();
        let wants: Vec<Want> = mine
            .iter()
            .map(|at| Want {
                weight: 1.0,
                least: 1,
                demand: places[*at].demand,
                most: u32::MAX,
            })
            .collect();
        for (at, target) in mine.into_iter().zip(divide(total, &wants)) {
            targets[at] = target;
        }
    }
    targets
}

/// The limits to begin with: none is above what it is now. They change only where somebody lacks places that are not
/// free, or where there are more than the lane or a class may have.
#[must_use]
pub fn lowered(lane_limit: u32, groups: &[Group], places: &[Place]) -> Vec<u32> {
    let limits = || places.iter().map(|place| place.limit);
    let is_over = sum(limits()) > lane_limit
        || groups.iter().enumerate().any(|(at, group)| {
            let own = places.iter().filter(|place| place.group == at);
            group
                .max
                .is_some_and(|max| sum(own.map(|place| place.limit)) > max)
        });
    let targets = targets(lane_limit, groups, places);
    let free = raised(lane_limit, groups, places);
    let is_short = places
        .iter()
        .zip(&targets)
        .zip(&free)
        .any(|((place, target), got)| {
            let wanted = match place.limit {
                0 => 1,
                limit => limit + place.lacks(*target).min(place.demand.saturating_sub(limit)),
            };
            *got < wanted
        });
    if !is_over && !is_short {
        return limits().collect();
    }
    places
        .iter()
        .zip(targets)
        .map(|(place, target)| place.limit.min(target))
        .collect()
}

/// The limits after that: none is below what it is now, and only places that nobody has or may have are given. Where
/// the sum of what is out and may be out kept to the limits of lane and class, it still does.
#[must_use]
pub fn raised(lane_limit: u32, groups: &[Group], places: &[Place]) -> Vec<u32> {
    let mut room = lane_limit.saturating_sub(sum(places.iter().map(Place::committed)));
    let mut rooms: Vec<u32> = groups
        .iter()
        .enumerate()
        .map(|(at, group)| {
            let own = places.iter().filter(|place| place.group == at);
            group
                .max
                .map_or(u32::MAX, |max| max.saturating_sub(sum(own.map(Place::committed))))
        })
        .collect();
    let mut limits: Vec<u32> = places.iter().map(|place| place.limit).collect();
    let mut give = |at: usize, more: u32, room: &mut u32| {
        let of_group = &mut rooms[places[at].group];
        let more = more.min(*room).min(*of_group);
        *of_group -= more;
        *room -= more;
        more
    };
    // Without a consumer its tasks would wait for ever: those come first.
    for at in (0..places.len()).filter(|at| places[*at].limit == 0) {
        limits[at] = give(at, 1, &mut room);
    }
    let targets = targets(lane_limit, groups, places);
    let mut lacks: Vec<u32> = places
        .iter()
        .zip(&targets)
        .map(|(place, target)| place.lacks(*target))
        .collect();
    for (at, lacks) in lacks.iter_mut().enumerate() {
        if places[at].limit == 0 {
            *lacks = 0;
        }
        // What is out already takes no further place.
        let held = places[at].out.saturating_sub(places[at].limit).min(*lacks);
        limits[at] += held;
        *lacks -= held;
    }
    let vessels: Vec<Vessel> = lacks
        .iter()
        .zip(places)
        .map(|(most, place)| Vessel {
            weight: groups[place.group].weight,
            least: 0,
            most: *most,
        })
        .collect();
    for (at, more) in fill(room, &vessels).into_iter().enumerate() {
        limits[at] += give(at, more, &mut room);
    }
    limits
}

/// What one of several wants of a total.
#[derive(Clone, Copy)]
struct Want {
    weight: f64,
    least: u32,
    demand: u32,
    most: u32,
}

impl Want {
    fn absent(self) -> Self {
        Self {
            demand: 0,
            most: 0,
            ..self
        }
    }
}

/// First what each can use, then what is left to whoever may have more: it will be there when it is needed.
fn divide(total: u32, wants: &[Want]) -> Vec<u32> {
    let vessel = |want: &Want, least: u32, most: u32| Vessel {
        weight: want.weight,
        least,
        most,
    };
    let used: Vec<Vessel> = wants
        .iter()
        .map(|want| vessel(want, want.least, want.demand.min(want.most)))
        .collect();
    let parts = fill(total, &used);
    let spare: Vec<Vessel> = wants
        .iter()
        .zip(parts)
        .map(|(want, part)| vessel(want, part, want.most))
        .collect();
    fill(total, &spare)
}

fn sum(of: impl Iterator<Item = u32>) -> u32 {
    of.fold(0, u32::saturating_add)
}
