//! One mapping of the document: what reads its keys, and complains about the ones nobody read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Map, Value as Json};

use super::fault::{At, Collector};
use super::kind::{Kind, Names};
use super::node::{Node, Value};
use super::note::{Absent, Needs, Noted, Place};
use crate::config::nearest::nearest;

/// A mapping that is being read. A faulty value is reported and replaced by a stand-in, so that
/// reading goes on; the stand-in never reaches a policy.
pub(super) struct Section<'a> {
    pub(super) place: Place,
    pub(super) faults: &'a Collector,
    /// Without doubles.
    entries: Vec<(&'a str, At, &'a Node)>,
    read: Vec<&'static str>,
    refused: Vec<&'static str>,
    /// Whether absent keys are to be reported: not where the whole mapping is absent, or already was reported.
    pub(super) is_there: bool,
}

impl<'a> Section<'a> {
    /// The document itself.
    pub(super) fn document(root: &'a Node, faults: &'a Collector) -> Self {
        Section::open(
            Place::document(),
            Some(root),
            faults,
            Kind::Mapping,
            Absent::Required,
        )
    }

    /// Opens `node`; reports one that is no mapping, and goes on as if it were empty.
    fn open(
        place: Place,
        node: Option<&'a Node>,
        faults: &'a Collector,
        kind: Kind,
        absent: Absent<Json>,
    ) -> Self {
        faults.note(Noted {
            place: place.clone(),
            kind,
            absent,
            needs: None,
            value: empty(),
            at: node.map(|node| node.at),
            keys: Vec::new(),
        });
        let mut section = Section {
            place,
            faults,
            entries: Vec::new(),
            read: Vec::new(),
            refused: Vec::new(),
            is_there: node.is_some(),
        };
        if let Some(node) = node {
            section.fill(node);
        }
        section
    }

    fn fill(&mut self, node: &'a Node) {
        self.faults.place(&self.place.path, node.at);
        let Value::Map(entries) = &node.value else {
            let what = format!("{}; give {}", node.value.in_words(), Kind::Mapping.in_words());
            self.faults.add(&self.place.path, what);
            self.is_there = false;
            return;
        };
        let mut seen: BTreeMap<&str, At> = BTreeMap::new();
        for (key, node) in entries {
            let path = self.path_of(&key.text);
            match seen.entry(&key.text) {
                Entry::Occupied(first) => {
                    let what = format!(
                        "is given twice; keep one, the first stands in line {}",
                        first.get().line()
                    );
                    self.faults.add_at(&path, key.at, what);
                }
                Entry::Vacant(place) => {
                    place.insert(key.at);
                    self.faults.place(&path, node.at);
                    self.entries.push((&key.text, key.at, node));
                }
            }
        }
    }

    /// Its path from the top.
    pub(super) fn path(&self) -> &str {
        &self.place.path
    }

    /// The path of `key` in here; a key that is no plain word is quoted.
    pub(super) fn path_of(&self, key: &str) -> String {
        self.place.of(key).path
    }

    /// The value of `key`, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.read.contains(&key) {
            self.read.push(key);
        }
        self.find(key)
    }

    fn find(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|(text, ..)| *text == key);
        entry.map(|(_, _, node)| *node)
    }

    /// Reports `key` where it is given: it is known, but not here.
    pub(super) fn refuse(&mut self, key: &'static str, what: &str) {
        self.refused.push(key);
        if self.find(key).is_some() {
            self.faults.add(&self.path_of(key), what.to_owned());
        }
    }

    /// The mapping under `key`; an absent one is empty.
    pub(super) fn child(&mut self, key: &'static str) -> Section<'a> {
        self.child_of(key, Kind::Mapping, Absent::Is(empty()))
    }

    /// The mapping under `key`; of an absent one, that at `from` holds.
    pub(super) fn child_as(&mut self, key: &'static str, from: Place) -> Section<'a> {
        self.child_of(key, Kind::Mapping, Absent::As(empty(), from))
    }

    /// The same, where `key` is one of several that are alike.
    pub(super) fn alike_as(&mut self, placeholder: &str, key: &'static str, from: Place) -> Section<'a> {
        let (place, node) = (self.place.of_any(placeholder, key), self.take(key));
        Section::open(place, node, self.faults, Kind::Mapping, Absent::As(empty(), from))
    }

    /// The mapping under `key`, where null, as if absent, is for none.
    pub(super) fn child_or_none(&mut self, key: &'static str) -> Option<Section<'a>> {
        let absent = Absent::Is(Json::Null);
        match self.take(key).map(|node| &node.value) {
            None | Some(Value::Null) => {
                self.off(key, absent);
                None
            }
            Some(_) => Some(self.child_of(key, Kind::OrNull(Box::new(Kind::Mapping)), absent)),
        }
    }

    /// The mapping under `key`, of that kind; an absent one is read as if it were empty, and nothing in it is missing.
    pub(super) fn child_of(&mut self, key: &'static str, kind: Kind, absent: Absent<Json>) -> Section<'a> {
        let (place, node) = (self.child_place(key), self.take(key));
        Section::open(place, node, self.faults, kind, absent)
    }

    /// Notes that the mapping under `key` is turned off.
    pub(super) fn off(&mut self, key: &'static str, absent: Absent<Json>) {
        let (place, at) = (self.child_place(key), self.take(key).map(|node| node.at));
        self.faults.note(Noted {
            place,
            kind: Kind::OrNull(Box::new(Kind::Mapping)),
            absent,
            needs: None,
            value: Json::Null,
            at,
            keys: Vec::new(),
        });
    }

    /// What stands in a part of the document is that part's.
    fn child_place(&self, key: &str) -> Place {
        let place = self.place.of(key);
        if self.path().is_empty() {
            place.about(key.to_owned())
        } else {
            place
        }
    }

    /// The same mapping, whose options are that thing's.
    pub(super) fn about(self, about: String) -> Self {
        Section {
            place: self.place.about(about),
            ..self
        }
    }

    /// The mapping under one of the names that people chose.
    pub(super) fn named(&self, names: &Names, name: &str, node: &'a Node) -> Section<'a> {
        let place = self.place.of_any(names.placeholder, name);
        let place = place.about(format!("{} {name}", names.noun));
        Section::open(place, Some(node), self.faults, Kind::Mapping, Absent::Off)
    }

    /// Every entry in document order, for mappings whose keys are names.
    pub(super) fn entries(&self) -> &[(&'a str, At, &'a Node)] {
        &self.entries
    }

    /// Whether it has no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Notes the value that counts for `key`.
    pub(super) fn note(&self, key: &'static str, kind: Kind, absent: Absent<Json>, value: Json) {
        self.faults.note(Noted {
            place: self.place.of(key),
            kind,
            absent,
            needs: None,
            value,
            at: self.find(key).map(|node| node.at),
            keys: Vec::new(),
        });
    }

    /// Notes what has to be given beside `key`.
    pub(super) fn needs(&self, key: &str, needs: Needs) {
        self.amend(key, |noted| noted.needs = Some(needs));
    }

    /// Adds to what was noted of `key`.
    pub(super) fn amend(&self, key: &str, amend: impl FnOnce(&mut Noted)) {
        self.faults.amend(&self.path_of(key), amend);
    }

    /// Reports the keys nobody read. Those of `later` are known to a later version.
    pub(super) fn close(self, later: &[&str]) {
        for (key, at, _) in &self.entries {
            if self.read.contains(key) || self.refused.contains(key) {
                continue;
            }
            let what = if later.contains(key) {
                "is not supported in this version; leave it out".to_owned()
            } else if let Some(near) = nearest(key, self.read.iter().copied()) {
                format!("is no key here; did you mean {near}?")
            } else {
                format!("is no key here; the keys are {}", self.read.join(", "))
            };
            self.faults.add_at(&self.path_of(key), *at, what);
        }
        self.faults
            .amend(&self.place.path, |noted| noted.keys = self.read);
    }
}

fn empty() -> Json {
    Json::Object(Map::new())
}
