//! Which consumers a lane must have, and with which limits: a pure function of the policy.

use std::time::Duration;

use crate::broker::consumer::{ConsumerFacts, ConsumerSpec};
use crate::policy::{CONSUMERS_MAX, Policy, split_equally};
use crate::task::{Lane, Route, Shard};

/// Every consumer of `lane` for the classes, models and shards of the policy and, behind them,
/// for routes found elsewhere; the lane's limit is divided over all of them.
pub(super) fn specs(policy: &Policy, lane: Lane, found: &[Route]) -> Vec<ConsumerSpec> {
    let mut routes = of_policy(policy, lane);
    for route in found {
        if !routes.contains(route) {
            routes.push(route.clone());
        }
    }
    let caps: Vec<Option<u32>> = routes.iter().map(|route| cap(policy, route, &routes)).collect();
    let limits = split_equally(policy.lane(lane).concurrency, &caps);
    let ack_wait = Duration::from_millis(policy.lane(lane).ack_wait_ms);
    let spec = |(route, max_ack_pending)| ConsumerSpec {
        route,
        max_ack_pending,
        ack_wait,
    };
    routes.into_iter().zip(limits).map(spec).collect()
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

fn of_policy(policy: &Policy, lane: Lane) -> Vec<Route> {
    let mut routes = Vec::new();
    for class in &policy.classes {
        for shard in 0..class.shards.max(1) {
            for model in &policy.models {
                let (class, model) = (class.name.clone(), model.name.token());
                routes.push(Route {
                    lane,
                    class,
                    model,
                    shard: Shard::Stable(shard),
                });
            }
        }
    }
    routes
}

/// A class's own limit, divided over its consumers; at least 1 each.
fn cap(policy: &Policy, route: &Route, routes: &[Route]) -> Option<u32> {
    let limit = policy.class(route.class.as_str())?.max_concurrent?;
    let of_class = routes.iter().filter(|r| r.class == route.class).count();
    Some((limit / u32::try_from(of_class).unwrap_or(u32::MAX)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::default_policy;

    #[test]
    fn the_default_policy_gives_one_consumer_per_class_with_an_equal_part_of_the_lane() {
        let specs = specs(&default_policy(), Lane::Core, &[]);
        let limits: Vec<u32> = specs.iter().map(|s| s.max_ack_pending).collect();
        assert_eq!(limits, [25, 25, 25, 25]);
        assert_eq!(specs[0].route.class.as_str(), "payment_processing");
        assert_eq!(specs[0].route.shard, Shard::Stable(0));
    }

    #[test]
    fn a_class_limit_binds_and_what_it_leaves_goes_to_the_others() {
        let mut policy = default_policy();
        policy.classes[0].max_concurrent = Some(2);
        let limits: Vec<u32> = specs(&policy, Lane::Normal, &[])
            .iter()
            .map(|s| s.max_ack_pending)
            .collect();
        assert_eq!(limits, [2, 6, 6, 6]);
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

    #[test]
    fn a_route_found_elsewhere_takes_its_part() {
        let policy = default_policy();
        let mut found = of_policy(&policy, Lane::Normal)[0].clone();
        found.shard = Shard::Stable(7);
        let specs = specs(&policy, Lane::Normal, &[found]);
        assert_eq!(specs.len(), 5);
        assert_eq!(specs.iter().map(|s| s.max_ack_pending).sum::<u32>(), 20);
    }
}
