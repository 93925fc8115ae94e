//! The oldest head first.

use super::facts::Head;
use super::merit::{Curve, Merit};

/// Its place among the heads.
pub(super) const fn merit(head: &Head) -> Merit {
    Merit {
        tier: 0,
        curve: Curve::Flat(0.0),
        since: head.since,
    }
}
