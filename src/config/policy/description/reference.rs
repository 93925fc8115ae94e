//! The reference page of the policy document, docs/policy-reference.md: what the reader notes, and the sentences.

use std::fmt::Write;

use serde_json::{Map, Value as Json};

use super::cells::{absent, and, code, range, type_of, what};
use super::sentences::{home, is_shared, sentence};
use super::shape::Shape;
use crate::config::policy::kind::Kind;
use crate::config::policy::note::{Absent, Noted};

const HEAD: &str = "\
# The options of the policy document

This page is written by `make goldens` from what the reader of the document knows, in `src/config/policy/`; what each
option is stands in `description/sentences.txt` there. [policy.md](policy.md) says how they work together, and how an
editor checks them while they are written.

Where the type says *or null*, null turns the thing off.
";

/// Stands between the defaults of mappings that have the same options.
const BETWEEN: &str = " / ";

/// The reference page, in Markdown: a table for each part of the document, a row for each option.
#[must_use]
pub fn policy_reference() -> String {
    let shape = Shape::read();
    let mut page = HEAD.to_owned();
    for part in parts(&shape) {
        part.write(&shape, &mut page);
    }
    page
}

/// What stands in one table: the options of a mapping, or of several that have the same.
struct Part<'a> {
    /// Under which pattern they are described.
    home: String,
    mappings: Vec<&'a Noted>,
}

/// A mapping has a table of its own at the top of the document, under a name there, and where several are alike;
/// what is in any other stands in the table around it.
fn parts(shape: &Shape) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for noted in shape.notes().iter().filter(|noted| has_table(noted)) {
        let home = home(&noted.place.pattern);
        match parts.iter_mut().find(|part| part.home == home) {
            Some(part) if part.has(&noted.place.pattern) => {}
            Some(part) => part.mappings.push(noted),
            None => parts.push(Part {
                home,
                mappings: vec![noted],
            }),
        }
    }
    parts.retain(|part| !part.rows(shape).is_empty());
    parts
}

pub(super) fn has_table(noted: &Noted) -> bool {
    let pattern = &noted.place.pattern;
    let depth = pattern.split('.').count();
    let is_named = noted.place.inside.is_empty() && depth == 2;
    noted.kind.is_mapping() && (depth == 1 || is_named || is_shared(pattern))
}

impl<'a> Part<'a> {
    fn has(&self, pattern: &str) -> bool {
        self.mappings
            .iter()
            .any(|mapping| mapping.place.pattern == pattern)
    }

    fn write(&self, shape: &Shape, page: &mut String) {
        let title = match self.home.as_str() {
            "" => "Top".to_owned(),
            home => code(home),
        };
        let rows = self.rows(shape);
        let _ = write!(page, "\n## {title}\n\n{}{}", what(&self.home), self.of_which());
        let differ = |(key, _): &(String, &Noted)| self.default(shape, key).contains(BETWEEN);
        if rows.iter().any(differ) {
            page.push_str(" Where their defaults differ, each has its own, in this order.");
        }
        page.push_str("\n\n| option | type | range | default | unit | what it is |\n");
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for (key, noted) in rows {
            let unit = sentence(&noted.place.pattern).and_then(|sentence| sentence.unit);
            let cells = [
                code(&key),
                type_of(noted),
                range(shape, noted),
                self.default(shape, &key),
                unit.unwrap_or_default().to_owned(),
                what(&noted.place.pattern),
            ];
            let _ = writeln!(page, "| {} |", cells.join(" | "));
        }
    }

    /// Which mappings have these options; of a single one, what holds where it is absent.
    fn of_which(&self) -> String {
        let all: Vec<&str> = self
            .mappings
            .iter()
            .map(|noted| noted.place.pattern.as_str())
            .collect();
        match (all.as_slice(), self.mappings.as_slice()) {
            ([only], [mapping]) if **only == self.home => match &mapping.absent {
                Absent::Is(Json::Object(entries)) if entries.is_empty() => String::new(),
                Absent::Is(Json::Object(_)) => format!(" Default: {}.", absent(mapping)),
                _ => String::new(),
            },
            _ => {
                let all: Vec<String> = all.into_iter().map(code).collect();
                format!(" These are the options of {}.", and(&all))
            }
        }
    }

    /// Every option by its key in here, described by the first mapping that has it.
    fn rows(&self, shape: &'a Shape) -> Vec<(String, &'a Noted)> {
        let mut rows: Vec<(String, &Noted)> = Vec::new();
        for mapping in &self.mappings {
            for (key, noted) in inside(shape, mapping, "") {
                if !rows.iter().any(|(there, _)| *there == key) {
                    rows.push((key, noted));
                }
            }
        }
        rows
    }

    /// What holds where it is absent, in each of the mappings that take it from no other.
    fn default(&self, shape: &Shape, key: &str) -> String {
        let takes = |mapping: &&&Noted| matches!(mapping.absent, Absent::As(..));
        let mut told: Vec<String> = Vec::new();
        for mapping in self.mappings.iter().filter(|mapping| !takes(mapping)) {
            let found = inside(shape, mapping, "")
                .into_iter()
                .find(|(there, _)| there == key);
            let default = found.map_or_else(|| "no such option".to_owned(), |(_, noted)| absent(noted));
            if !told.contains(&default) {
                told.push(default);
            }
        }
        told.join(BETWEEN)
    }
}

/// The options in a mapping, and in those inside it that have no table of their own. A mapping is an option where it
/// says something that is there or not.
fn inside<'a>(shape: &'a Shape, mapping: &Noted, outer: &str) -> Vec<(String, &'a Noted)> {
    let mut found = Vec::new();
    for (key, noted) in shape.children(mapping) {
        let last = noted.place.pattern.rsplit('.').next().unwrap_or(key);
        let path = format!("{outer}{last}");
        let is_nothing = matches!(&noted.absent, Absent::Is(empty) if *empty == Json::Object(Map::new()));
        let is_part = mapping.place.path.is_empty() && noted.kind.is_mapping();
        let is_named = matches!(mapping.kind, Kind::Names(_));
        if !noted.kind.is_mapping() || !(is_nothing || is_part || is_named) {
            found.push((path.clone(), noted));
        }
        if !has_table(noted) {
            found.extend(inside(shape, noted, &format!("{path}.")));
        }
    }
    found
}
