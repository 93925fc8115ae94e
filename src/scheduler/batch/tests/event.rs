//! What a shell tells a batcher.

use super::super::BatchKey;
use crate::task::ModelName;

pub(super) fn key(model: &str, shape: u64) -> BatchKey {
    let model = ModelName::new(model).unwrap();
    BatchKey { model, shape }
}

/// What a shell does, at a time in ms.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Add(BatchKey, u64),
    Idle,
    Busy,
    Look,
}
