//! Going through two policies, option by option.

use std::collections::BTreeSet;

use serde::Serialize;

use super::pair::{Change, Pair};
use super::side::Side;
use crate::config::policy::Faults;

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The option, or the class or model that comes or goes.
    pub path: String,
    /// Whose it is: `class payment_processing`, `model m`, `lane core`, `retry`; of the document itself, `policy`.
    pub about: String,
    /// What held before, without its unit; none where nothing did.
    pub before: Option<String>,
    /// What holds after, without its unit; none where nothing does.
    pub after: Option<String>,
    /// The change as a sentence.
    pub words: String,
}

/// What changes when the policy `after` takes the place of `before`, both in YAML: changes and additions in the
/// order of reading, then what is removed. Whether a value is given or is the default makes no difference.
///
/// # Errors
/// Those of [`super::parse_policy`], of the one called `before` first.
pub fn differences(before: &str, after: &str) -> Result<Vec<Difference>, Faults> {
    let (before, after) = (Side::read("before", before)?, Side::read("after", after)?);
    let removed = before.notes.iter().filter(|noted| after.find(noted).is_none());
    let mut found = Vec::new();
    // The mappings of which nothing more is to be said.
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for noted in after.notes.iter().chain(removed) {
        let path = noted.place.path.as_str();
        if around(path).any(|outer| told.contains(outer)) {
            continue;
        }
        let pair = Pair {
            before: before.find(noted),
            after: after.find(noted),
            noted,
        };
        let change = pair.change();
        if noted.kind.is_mapping() && change != Change::Inside {
            told.insert(path);
        }
        found.extend(pair.difference(change, &before, &after));
    }
    found.extend(order(&before, &after));
    Ok(found)
}

/// The paths of the mappings that an option is in, from the inside.
fn around(path: &str) -> impl Iterator<Item = &str> {
    let mut inner = path;
    std::iter::from_fn(move || {
        (inner, _) = inner.rsplit_once('.')?;
        Some(inner)
    })
}

/// Whether the classes of both stand in another order.
fn order(before: &Side, after: &Side) -> Option<Difference> {
    let (was, is) = (before.classes_also_in(after), after.classes_also_in(before));
    (was != is).then(|| Difference {
        path: "classes".to_owned(),
        about: "classes".to_owned(),
        words: format!("classes stand in another order, {is}: among equal priorities the first is chosen"),
        before: Some(was),
        after: Some(is),
    })
}
