//! What a message is filed under whose subject names no class and model.

use crate::broker::RequestError;
use crate::task::{ClassName, Lane, ModelToken, NameError, Route, Shard};

/// Stands for class and model in the dead letter of a subject whose tokens are no names.
const NAMELESS: &str = "unroutable";

/// A route in `lane` that no policy has.
pub(super) fn nameless(lane: Lane) -> Result<Route, RequestError> {
    let route = || -> Result<Route, NameError> {
        Ok(Route {
            lane,
            class: ClassName::new(NAMELESS)?,
            model: ModelToken::new(NAMELESS)?,
            shard: Shard::Stable(0),
        })
    };
    route().map_err(|source| RequestError {
        operation: format!("name the class {NAMELESS}"),
        source: Box::new(source),
    })
}
