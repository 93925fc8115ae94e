//! The traffic that tests are about.

use super::traffic::{Bursts, Flow, Shape, Traffic};

/// Ten times as long waits, for ten seconds about once a minute.
pub(in crate::policy) const BURSTS: Bursts = Bursts {
    factor: 10.0,
    on_s: 10.0,
    off_s: 60.0,
};

/// One class of 200 tasks/s, 1 % of which fail.
pub(in crate::policy) fn one() -> Traffic {
    Traffic::of(&[Flow::new("all", 200.0)])
}

/// Four classes, of 150, 40, 8 and 2 tasks/s; the smallest fails more and waits longer.
pub(in crate::policy) fn four() -> Traffic {
    let small = Flow {
        slo_ms: None,
        wait_ms: [400.0; 2],
        ..Flow::new("small", 8.0)
    };
    let tiny = Flow {
        slo_ms: Some(20_000),
        wait_ms: [2_000.0; 2],
        failed: [0.05; 2],
        ..Flow::new("tiny", 2.0)
    };
    Traffic::of(&[Flow::new("big", 150.0), Flow::new("mid", 40.0), small, tiny])
}

/// Traffic with other waits.
pub(in crate::policy) fn shaped(traffic: Traffic, shape: Shape) -> Traffic {
    Traffic { shape, ..traffic }
}

/// Traffic of which `change` makes every class's canary worse.
pub(in crate::policy) fn harmed(mut traffic: Traffic, change: impl Fn(&mut Flow)) -> Traffic {
    traffic.flows.iter_mut().for_each(change);
    traffic
}
