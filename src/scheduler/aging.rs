//! `base + exp(alpha · wait)`, both of the class.
//!
//! A mode, not the default: under sustained load every wait is long
//! enough for the exponential to drown the bases, and it serves like `fifo`. With bases 100 and 0 the gap is crossed
//! after `ln(100) / alpha`: 46 s for an alpha of 0.1.

use super::facts::Head;
use super::merit::{Curve, Merit};
use super::rules::ClassTerms;

/// Its place among the heads.
pub(super) const fn merit(head: &Head, terms: &ClassTerms) -> Merit {
    let curve = Curve::Rising {
        base: terms.aging_base,
        alpha: terms.aging_alpha,
    };
    Merit::new(0, curve, head.since)
}
