//! The query of a request.

use percent_encoding::percent_decode_str;

use crate::gateway::{Code, Problem};

/// Its parameters, decoded, in the order in which they are given.
pub(super) fn parameters(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.replace('+', " ");
        let value = percent_decode_str(&value).decode_utf8_lossy();
        (name.to_owned(), value.into_owned())
    })
}

/// A parameter that the resource does not have, of those that `there_are`.
pub(super) fn unknown(name: &str, there_are: &str) -> Problem {
    let what = format!("{name}: no such parameter; there are {there_are}");
    Problem::new(Code::OutOfRange, what).in_field(name)
}
