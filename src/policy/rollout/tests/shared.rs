//! What comparisons are tested with, too.

pub(in crate::policy) use super::many::seeds;
pub(in crate::policy) use super::scenes::{BURSTS, four, harmed, one, shaped};
pub(in crate::policy) use super::traffic::{Bursts, Flow, Shape, Stream, Traffic};
