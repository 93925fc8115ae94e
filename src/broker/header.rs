//! Headers between the wire's form and the client's.

use async_nats::{HeaderMap, HeaderName, HeaderValue};

use crate::wire::{Headers, ReadHeaders};

impl ReadHeaders for HeaderMap {
    fn header(&self, name: &str) -> Option<&str> {
        self.get(name).map(HeaderValue::as_str)
    }
}

/// The headers of a message that may have none.
pub(super) struct MaybeHeaders<'a>(pub(super) Option<&'a HeaderMap>);

impl ReadHeaders for MaybeHeaders<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.0.and_then(|map| map.header(name))
    }
}

/// Every name with its first value.
pub(super) fn pairs(map: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    map.iter()
        .filter_map(|(name, values)| Some((name.as_ref(), values.first()?.as_str())))
}

/// The client's form. Values hold no control characters by the invariant of [`Headers`], so none
/// can be refused; one that were is left out rather than sent broken.
pub(super) fn to_map(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            map.insert(name, value);
        }
    }
    map
}
