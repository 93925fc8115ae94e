//! The oldest head first.

use super::facts::Head;
use super::merit::{Curve, Merit};

/// Its place among the heads.
pub(super) const fn merit(head: &Head) -> Merit {
    Merit::new(0, Curve::Flat(0.0), head.since)
}
