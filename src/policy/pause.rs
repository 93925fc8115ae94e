//! Which queues are held back on request.

use crate::task::{ClassName, Lane, Route};

/// Queues that somebody holds back. What of them runs goes on; nothing more is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Those of this lane; none: of every lane.
    pub lane: Option<Lane>,
    /// Those of this class; none: of every class.
    pub class: Option<ClassName>,
}

impl Pause {
    /// Whether it holds back `route`.
    #[must_use]
    pub fn covers(&self, route: &Route) -> bool {
        self.lane.is_none_or(|lane| lane == route.lane)
            && self.class.as_ref().is_none_or(|class| *class == route.class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{ModelToken, Shard};

    #[test]
    fn a_pause_covers_what_lane_and_class_say() {
        let route = Route {
            lane: Lane::Core,
            class: ClassName::new("pay").unwrap(),
            model: ModelToken::new("m").unwrap(),
            shard: Shard::Stable(3),
        };
        for (lane, class, covers) in [
            (None, None, true),
            (Some(Lane::Core), None, true),
            (Some(Lane::Normal), None, false),
            (None, Some("pay"), true),
            (None, Some("bulk"), false),
            (Some(Lane::Core), Some("pay"), true),
            (Some(Lane::Normal), Some("pay"), false),
        ] {
            let class = class.map(|name| ClassName::new(name).unwrap());
            let pause = Pause { lane, class };
            assert_eq!(pause.covers(&route), covers, "{pause:?}");
        }
    }
}
