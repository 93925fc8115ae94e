//! Places of a lane: who gets how many, and that changing it never lets more out than the lane may have.

use proptest::prelude::*;

use super::{Group, Place, lowered, raised, targets};

const ONE: [Group; 1] = [Group {
    weight: 1.0,
    max: None,
}];

fn groups(of: &[(u32, Option<u32>)]) -> Vec<Group> {
    of.iter()
        .map(|(weight, max)| Group {
            weight: f64::from(*weight),
            max: *max,
        })
        .collect()
}

/// One consumer: class, limit, out and demand.
fn place((group, limit, out, demand): (usize, u32, u32, u32)) -> Place {
    Place {
        group,
        limit,
        out,
        demand,
    }
}

fn places(of: &[(usize, u32, u32, u32)]) -> Vec<Place> {
    of.iter().copied().map(place).collect()
}

#[test]
fn a_lane_is_divided_by_share_among_those_that_can_use_it() {
    let two = [(60, None), (40, None)];
    for (classes, demands, wanted, says) in [
        (
            &two[..],
            &[(0, 0), (1, 0)][..],
            &[12, 8][..],
            "nobody needs any: by share",
        ),
        (
            &two,
            &[(0, 500), (1, 500)],
            &[12, 8],
            "both can use all: by share",
        ),
        (&two, &[(0, 500), (1, 0)], &[19, 1], "one is idle"),
        (&two, &[(0, 3), (1, 500)], &[3, 17], "one needs few"),
        (
            &two,
            &[(0, 3), (1, 5)],
            &[12, 8],
            "nobody needs more than its share",
        ),
        (
            &two,
            &[(0, 500), (0, 500), (1, 500)],
            &[6, 6, 8],
            "two consumers share what is their class's",
        ),
        (
            &two,
            &[(0, 500), (0, 2), (1, 500)],
            &[10, 2, 8],
            "and one has what the other leaves",
        ),
        (
            &[(60, Some(2)), (40, None)],
            &[(0, 500), (1, 500)],
            &[2, 18],
            "a class at its own limit",
        ),
        (
            &[(60, Some(2)), (40, None)],
            &[(0, 500), (0, 9), (1, 0)],
            &[1, 1, 18],
            "and no more with two consumers",
        ),
        (
            &[(60, None), (40, None), (9, None)],
            &[(0, 500), (1, 500)],
            &[12, 8],
            "a class without a consumer",
        ),
    ] {
        let places: Vec<Place> = demands
            .iter()
            .map(|(group, demand)| place((*group, 1, 0, *demand)))
            .collect();
        assert_eq!(targets(20, &groups(classes), &places), wanted, "{says}");
    }
    assert_eq!(
        targets(2, &ONE, &places(&[(0, 1, 0, 9); 3])),
        [1, 1, 1],
        "one each, whatever the limit"
    );
}

#[test]
fn limits_change_only_where_somebody_lacks_places_or_there_are_too_many() {
    let two = groups(&[(50, None), (50, None)]);
    for (lane, before, low, says) in [
        (20, [(0, 19, 19, 500), (1, 1, 0, 0)], [19, 1], "nobody lacks any"),
        (
            20,
            [(0, 19, 0, 0), (1, 1, 0, 0)],
            [19, 1],
            "nor when both are idle",
        ),
        (20, [(0, 19, 19, 500), (1, 1, 1, 500)], [10, 1], "one lacks nine"),
        (20, [(0, 19, 0, 0), (1, 1, 1, 3)], [10, 1], "one lacks two"),
        (20, [(0, 10, 0, 0), (1, 1, 1, 9)], [10, 1], "there are free ones"),
        (
            40,
            [(0, 21, 21, 99), (1, 19, 19, 99)],
            [21, 19],
            "one in twenty is not worth it",
        ),
        (
            20,
            [(0, 15, 15, 99), (1, 10, 3, 9)],
            [11, 9],
            "there are too many",
        ),
        (
            20,
            [(0, 20, 0, 0), (1, 0, 0, 0)],
            [10, 0],
            "one is still to be made",
        ),
    ] {
        assert_eq!(lowered(lane, &two, &places(&before)), low, "{says}");
    }
    let capped = groups(&[(50, Some(4)), (50, None)]);
    assert_eq!(
        lowered(20, &capped, &places(&[(0, 6, 6, 9), (1, 1, 0, 0)])),
        [4, 1],
        "a class has too many"
    );
}

#[test]
fn only_places_that_have_drained_are_given() {
    let two = groups(&[(50, None), (50, None)]);
    for (before, after, says) in [
        (
            [(0, 10, 19, 500), (1, 1, 1, 500)],
            [10, 1],
            "19 are out, one may be",
        ),
        ([(0, 10, 15, 500), (1, 1, 1, 500)], [10, 5], "four have drained"),
        ([(0, 10, 10, 500), (1, 5, 5, 500)], [10, 10], "all have"),
        ([(0, 10, 20, 0), (1, 0, 0, 0)], [10, 0], "no place for a new one"),
        ([(0, 10, 19, 0), (1, 0, 0, 0)], [10, 1], "one for a new one"),
        (
            [(0, 5, 9, 99), (1, 11, 11, 99)],
            [9, 11],
            "what is out may be out",
        ),
        ([(0, 12, 3, 3), (1, 8, 8, 8)], [12, 8], "nobody lacks any"),
    ] {
        assert_eq!(raised(20, &two, &places(&before)), after, "{says}");
    }
    let capped = groups(&[(50, Some(4)), (50, None)]);
    assert_eq!(
        raised(20, &capped, &places(&[(0, 2, 3, 9), (0, 1, 1, 9)])),
        [2, 1],
        "a class has none left"
    );
}

/// The server and its workers, as far as limits see them.
#[derive(Debug)]
struct Mesh {
    lane: u32,
    groups: Vec<Group>,
    places: Vec<Place>,
}

impl Mesh {
    fn committed(&self, of: impl Fn(&Place) -> bool) -> u32 {
        let of = self.places.iter().filter(|place| of(place));
        of.map(|place| place.limit.max(place.out)).sum()
    }

    fn set(&mut self, limits: &[u32]) {
        for (place, limit) in self.places.iter_mut().zip(limits) {
            place.limit = *limit;
        }
    }

    /// Some tasks end, and workers take what they may, if they will.
    fn work(&mut self, ended: &[u32], taken: &[u32]) {
        for ((place, ended), taken) in self.places.iter_mut().zip(ended).zip(taken) {
            place.out -= place.out * ended / 100;
            let may = place.limit.min(place.demand).saturating_sub(place.out);
            place.out += may * taken / 100;
        }
    }

    /// One round; says whether it changed anything.
    fn round(&mut self, ended: &[u32], taken: &[u32]) -> bool {
        let low = lowered(self.lane, &self.groups, &self.places);
        let changed = self
            .places
            .iter()
            .zip(&low)
            .any(|(place, limit)| place.limit != *limit);
        self.set(&low);
        self.work(ended, taken);
        let high = raised(self.lane, &self.groups, &self.places);
        let raises = low != high;
        self.set(&high);
        self.work(&vec![0; ended.len()], taken);
        changed || raises
    }
}

const LANE: std::ops::Range<u32> = 12..200;

/// Classes and their consumers, of which some are still to be made, and demands that change.
fn meshes() -> impl Strategy<Value = (Mesh, Vec<Vec<u32>>, Vec<u32>)> {
    let group = (1_u32..100, prop::option::of(12_u32..40));
    let consumer = (0_usize..4, any::<bool>());
    let sizes = (
        prop::collection::vec(group, 4),
        prop::collection::vec(consumer, 1..12),
    );
    (LANE, sizes).prop_flat_map(|(lane, (of, consumers))| {
        let count = consumers.len();
        let demand = prop_oneof![Just(0_u32), 0_u32..30, Just(10_000)];
        let demands = prop::collection::vec(prop::collection::vec(demand, count), 1..8);
        let percents = prop::collection::vec(0_u32..=100, 2 * count);
        (demands, percents).prop_map(move |(demands, percents)| {
            let places = consumers
                .iter()
                .map(|(group, is_made)| place((*group, u32::from(*is_made), 0, 0)));
            let mesh = Mesh {
                lane,
                groups: groups(&of),
                places: places.collect(),
            };
            (mesh, demands, percents)
        })
    })
}

proptest! {
    #[test]
    fn what_is_out_and_may_be_never_passes_the_lane_nor_a_class_and_everybody_gets_their_part(
        (mut mesh, demands, percents) in meshes(),
    ) {
        let count = mesh.places.len();
        let (ended, taken) = percents.split_at(count);
        for demands in demands {
            for (place, demand) in mesh.places.iter_mut().zip(demands) {
                place.demand = demand;
            }
            mesh.round(ended, taken);
            prop_assert!(mesh.committed(|_| true) <= mesh.lane, "{:?}", mesh.places);
            for (at, group) in mesh.groups.iter().enumerate() {
                let own = mesh.committed(|place| place.group == at);
                prop_assert!(group.max.is_none_or(|max| own <= max), "{own} of {group:?}");
            }
        }
        // Demand stays as it is and everything drains: it comes to rest, and nobody lacks what others have beyond
        // what they should.
        for _ in 0..4 {
            mesh.round(&vec![100; count], &vec![100; count]);
        }
        prop_assert!(!mesh.round(&vec![100; count], &vec![100; count]), "{:?}", mesh.places);
        let targets = targets(mesh.lane, &mesh.groups, &mesh.places);
        for (place, target) in mesh.places.iter().zip(targets) {
            prop_assert!(place.limit >= 1, "{:?}", mesh.places);
            prop_assert!(place.lacks_at_most(target), "{place:?} should have {target}: {:?}", mesh.places);
        }
    }

    #[test]
    fn an_over_run_is_gone_as_soon_as_it_has_drained(
        (mut mesh, demands, percents) in meshes(),
        limits in prop::collection::vec(1_u32..400, 12),
    ) {
        let count = mesh.places.len();
        for (at, place) in mesh.places.iter_mut().enumerate() {
            (place.demand, place.limit) = (demands[0][at], limits[at]);
            place.out = place.limit.min(place.demand);
        }
        let limits = lowered(mesh.lane, &mesh.groups, &mesh.places);
        let sum: u32 = limits.iter().sum();
        prop_assert!(sum <= mesh.lane, "one period corrects the limits: {limits:?}");
        mesh.round(&percents[..count], &percents[count..]);
        mesh.round(&vec![100; count], &vec![100; count]);
        prop_assert!(mesh.committed(|_| true) <= mesh.lane, "{:?}", mesh.places);
    }
}

impl Place {
    /// Whether it has what it should, or what it lacks is not worth a change.
    fn lacks_at_most(&self, target: u32) -> bool {
        self.demand <= self.limit || target <= self.limit + (self.limit / 8).max(1)
    }
}
