//! How one option differs between two policies, and what is said about that.

use serde_json::Value as Json;

use super::compare::Difference;
use super::side::{SHARE, Side};
use crate::config::policy::description::sentence;
use crate::config::policy::explain::{in_words, with_unit};
use crate::config::policy::note::Noted;

const NONE: &str = "none";

/// An option of both, or of one of them; `noted` is one of the two.
pub(super) struct Pair<'a> {
    pub(super) before: Option<&'a Noted>,
    pub(super) after: Option<&'a Noted>,
    pub(super) noted: &'a Noted,
}

/// How the two of a pair differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Not at all.
    Nothing,
    /// Both are mappings: in what is inside, if at all.
    Inside,
    Added,
    Removed,
    TurnedOn,
    TurnedOff,
    Value,
}

impl Pair<'_> {
    pub(super) fn change(&self) -> Change {
        if self.noted.kind.is_mapping() {
            return self.change_of_mapping();
        }
        let value = |side: Option<&Noted>| side.map_or(Json::Null, |noted| noted.value.clone());
        if self.is_inherited_alike() || value(self.before) == value(self.after) {
            Change::Nothing
        } else {
            Change::Value
        }
    }

    fn change_of_mapping(&self) -> Change {
        let is_on = |side: Option<&Noted>| side.is_some_and(|noted| !noted.is_off());
        match (is_on(self.before), is_on(self.after)) {
            (false, false) => Change::Nothing,
            (true, true) if self.is_inherited_alike() => Change::Nothing,
            (true, true) => Change::Inside,
            (false, true) if self.is_named() => Change::Added,
            (true, false) if self.is_named() => Change::Removed,
            (false, true) => Change::TurnedOn,
            (true, false) => Change::TurnedOff,
        }
    }

    /// Whether both are what another option is, of which a change is told already.
    fn is_inherited_alike(&self) -> bool {
        let from = |side: Option<&Noted>| side.and_then(Noted::inherited).map(|from| from.path.clone());
        let before = from(self.before);
        before.is_some() && before == from(self.after)
    }

    /// Whether it stands under a name that people chose.
    fn is_named(&self) -> bool {
        self.noted.place.inside.is_empty() && self.noted.place.pattern.contains('.')
    }

    pub(super) fn difference(&self, change: Change, before: &Side, after: &Side) -> Option<Difference> {
        if matches!(change, Change::Nothing | Change::Inside) {
            return None;
        }
        let text = |noted: Option<&Noted>, side: &Side| {
            let noted = noted.filter(|noted| !noted.is_off())?;
            if noted.kind.is_mapping() {
                Some(side.inside(noted))
            } else {
                in_words(&noted.value)
            }
        };
        let (was, is) = (text(self.before, before), text(self.after, after));
        let place = &self.noted.place;
        let told = match change {
            Change::Nothing | Change::Inside => return None,
            Change::Added => format!(
                "{} is added: {}{}",
                place.about,
                or_none(&is),
                self.part_added(after)
            ),
            Change::Removed => format!("{} is removed: {}", place.about, self.what_follows()),
            Change::TurnedOn => format!("{} is turned on: {}", self.subject(), or_none(&is)),
            Change::TurnedOff => format!("{} is turned off; it was: {}", self.subject(), or_none(&was)),
            Change::Value => {
                let (from, to) = self.with_units(&was, &is);
                let more = self.parts(before, after) + &self.source();
                format!("{} goes from {from} to {to}{more}", self.subject())
            }
        };
        Some(Difference {
            path: place.path.clone(),
            about: place.about.clone(),
            before: was,
            after: is,
            words: told,
        })
    }

    /// `class a: share (part of the service among backlogged classes)`.
    fn subject(&self) -> String {
        let place = &self.noted.place;
        let clause = sentence(&place.pattern).map_or_else(String::new, |sentence| sentence.clause());
        match place.inside.as_str() {
            "" => format!("{} ({clause})", place.about),
            inside => format!("{}: {inside} ({clause})", place.about),
        }
    }

    /// The unit once, after the last number.
    fn with_units(&self, was: &Option<String>, is: &Option<String>) -> (String, String) {
        let unit = sentence(&self.noted.place.pattern).and_then(|sentence| sentence.unit);
        match is {
            Some(is) => (or_none(was).to_owned(), with_unit(is, unit)),
            None => (with_unit(or_none(was), unit), NONE.to_owned()),
        }
    }

    fn parts(&self, before: &Side, after: &Side) -> String {
        match (self.before, self.after) {
            (Some(was), Some(is)) if self.noted.place.pattern == SHARE => format!(
                ": {} of the whole before, {} after",
                before.part(&was.value),
                after.part(&is.value)
            ),
            _ => String::new(),
        }
    }

    fn part_added(&self, after: &Side) -> String {
        let share = self.noted.place.of("share").path;
        let share = after.notes.iter().find(|noted| noted.place.path == share);
        share.map_or_else(String::new, |share| {
            format!("; that is {} of the whole", after.part(&share.value))
        })
    }

    /// The option that counts from now on.
    fn source(&self) -> String {
        let from = self.after.and_then(Noted::inherited);
        from.map_or_else(String::new, |from| format!(", as {}", from.path))
    }

    fn what_follows(&self) -> &'static str {
        match self.noted.place.pattern.as_str() {
            "keys.prefixes.PREFIX" => "keys that begin so have the limit of the others",
            _ => "what it still holds is drained first",
        }
    }
}

fn or_none(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or(NONE)
}
