//! Which consumers a lane must have, and whose share they are served under: pure functions of the policy.

use std::time::Duration;

use crate::broker::consumer::{ConsumerFacts, ConsumerSpec};
use crate::policy::{CONSUMERS_MAX, Group, Place, Policy, targets};
use crate::task::{Lane, Route, Shard};

/// The share of a class the policy does not have.
const UNKNOWN_SHARE: f64 = 1.0;

/// The consumers of a lane that has none yet, for the classes, models and shards of the policy; the lane's limit is
/// divided over all of them.
pub(super) fn first(policy: &Policy, lane: Lane) -> Vec<ConsumerSpec> {
    let routes = of_policy(policy, lane);
    let (groups, of_route) = groups(policy, &routes);
    let place = |group| Place {
        group,
        limit: 0,
        out: 0,
        demand: 0,
    };
    let places: Vec<Place> = of_route.into_iter().map(place).collect();
    let limits = targets(policy.lane(lane).concurrency, &groups, &places);
    let ack_wait = Duration::from_millis(policy.lane(lane).ack_wait_ms);
    let spec = |(route, max_ack_pending)| ConsumerSpec {
        route,
        max_ack_pending,
        ack_wait,
    };
    routes.into_iter().zip(limits).map(spec).collect()
}

/// The classes of `routes` with their shares and limits, and for each route its class by place. One that the policy
/// does not have, of which somebody else made a consumer, has the least share.
pub(super) fn groups(policy: &Policy, routes: &[Route]) -> (Vec<Group>, Vec<usize>) {
    let (mut names, mut groups, mut of_route) = (Vec::new(), Vec::new(), Vec::new());
    for route in routes {
        let known = names.iter().position(|name| *name == &route.class);
        of_route.push(known.unwrap_or(names.len()));
        if known.is_none() {
            let class = policy.class(route.class.as_str());
            names.push(&route.class);
            groups.push(Group {
                weight: class.map_or(UNKNOWN_SHARE, |class| f64::from(class.share)),
                max: class.and_then(|class| class.max_concurrent),
            });
        }
    }
    (groups, of_route)
}

/// Whether class and model of a route are in the policy.
pub(super) fn is_known(policy: &Policy, route: &Route) -> bool {
    policy.class(route.class.as_str()).is_some() && policy.model_by_token(&route.model).is_some()
}

/// Whether `route` may have a consumer beside those that are `there` and those `to_come`: it is the policy's own, or
/// it is known and its place, of which each consumer has at least one, goes beyond no limit.
pub(super) fn has_place(policy: &Policy, route: &Route, there: &[ConsumerFacts], to_come: &[Route]) -> bool {
    if of_policy(policy, route.lane).contains(route) {
        return true;
    }
    if !is_known(policy, route) {
        return false;
    }
    let mut routes = of_policy(policy, route.lane);
    for other in there.iter().map(|c| &c.route).chain(to_come) {
        if !routes.contains(other) {
            routes.push(other.clone());
        }
    }
    let of_class = routes.iter().filter(|r| r.class == route.class).count();
    let lane_max = (policy.lane(route.lane).concurrency as usize).min(CONSUMERS_MAX);
    let class_max = policy
        .class(route.class.as_str())
        .and_then(|class| class.max_concurrent)
        .map_or(usize::MAX, |max| max as usize);
    routes.len() < lane_max && of_class < class_max
}

/// Every route of the policy's own, and those of a policy on trial beside it.
pub(super) fn wanted(policy: &Policy, on_trial: Option<&Policy>, lane: Lane) -> Vec<Route> {
    let mut routes = of_policy(policy, lane);
    let canary = on_trial.map(|policy| of_track(policy, lane, Shard::Canary));
    routes.extend(canary.into_iter().flatten());
    routes
}

/// Every route of the policy's own.
pub(super) fn of_policy(policy: &Policy, lane: Lane) -> Vec<Route> {
    of_track(policy, lane, Shard::Stable)
}

fn of_track(policy: &Policy, lane: Lane, track: impl Fn(u16) -> Shard) -> Vec<Route> {
    let mut routes = Vec::new();
    for class in &policy.classes {
        for shard in 0..class.shards.max(1) {
            for model in &policy.models {
                let (class, model) = (class.name.clone(), model.name.token());
                routes.push(Route {
                    lane,
                    class,
                    model,
                    shard: track(shard),
                });
            }
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::default_policy;

    #[test]
    fn the_default_policy_gives_one_consumer_per_class_with_its_share_of_the_lane() {
        let specs = first(&default_policy(), Lane::Core);
        let limits: Vec<u32> = specs.iter().map(|s| s.max_ack_pending).collect();
        assert_eq!(limits, [40, 30, 20, 10]);
        assert_eq!(specs[0].route.class.as_str(), "payment_processing");
        assert_eq!(specs[0].route.shard, Shard::Stable(0));
    }

    #[test]
    fn a_class_limit_binds_and_what_it_leaves_goes_to_the_others() {
        let mut policy = default_policy();
        policy.classes[0].max_concurrent = Some(2);
        let limits: Vec<u32> = first(&policy, Lane::Normal)
            .iter()
            .map(|s| s.max_ack_pending)
            .collect();
        assert_eq!(limits, [2, 9, 6, 3]);
    }

    #[test]
    fn routes_of_one_class_are_one_group_and_a_class_of_nobody_has_the_least_share() {
        let mut policy = default_policy();
        policy.classes[1].max_concurrent = Some(7);
        let mut routes = of_policy(&policy, Lane::Normal);
        let mut stranger = routes[0].clone();
        stranger.class = crate::task::ClassName::new("stranger").unwrap();
        routes.push(stranger);
        routes.push(Route {
            shard: Shard::Stable(7),
            ..routes[1].clone()
        });
        let (groups, of_route) = groups(&policy, &routes);
        assert_eq!(of_route, [0, 1, 2, 3, 4, 1]);
        assert_eq!((groups[1].weight, groups[1].max), (30.0, Some(7)));
        assert_eq!((groups[4].weight, groups[4].max), (1.0, None));
    }

    #[test]
    fn a_route_found_elsewhere_has_a_place_within_the_limits_alone() {
        let mut policy = default_policy();
        let own = of_policy(&policy, Lane::Normal);
        let shard = |n| Route {
            shard: Shard::Stable(n),
            ..own[0].clone()
        };
        assert!(has_place(&policy, &own[0], &[], &[]));
        // The lane has 20 places, and 4 are the policy's own.
        let taken: Vec<Route> = (1..=15).map(shard).collect();
        assert!(has_place(&policy, &shard(16), &[], &taken));
        let taken: Vec<Route> = (1..=16).map(shard).collect();
        assert!(!has_place(&policy, &shard(17), &[], &taken));
        assert!(
            has_place(&policy, &own[3], &[], &taken),
            "the policy's own has one always"
        );
        policy.classes[0].max_concurrent = Some(2);
        assert!(has_place(&policy, &shard(1), &[], &[]));
        assert!(!has_place(&policy, &shard(2), &[], &[shard(1)]));
    }
}
