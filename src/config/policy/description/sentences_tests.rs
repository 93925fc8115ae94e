//! Every option has its sentence, every sentence its option, and one document has them all.

use std::collections::BTreeSet;

use super::sentences::{home, sentence, sentences};
use super::shape::Shape;

/// Described once for several mappings, and no pattern of an option.
const HOMES: [&str; 2] = ["document", "rate"];

#[test]
fn every_option_that_the_reader_knows_has_a_sentence() {
    let shape = Shape::read();
    let patterns: BTreeSet<&str> = shape.notes().iter().map(|n| n.place.pattern.as_str()).collect();
    let missing: Vec<&&str> = patterns
        .iter()
        .filter(|pattern| sentence(pattern).is_none())
        .collect();
    assert!(missing.is_empty(), "sentences.txt has nothing on {missing:?}");
}

#[test]
fn every_sentence_is_of_an_option_that_the_reader_knows() {
    let shape = Shape::read();
    let mut known: BTreeSet<String> = HOMES.map(str::to_owned).into();
    for noted in shape.notes() {
        known.extend([noted.place.pattern.clone(), home(&noted.place.pattern)]);
    }
    let mut seen = BTreeSet::new();
    for one in sentences() {
        assert!(known.contains(one.pattern), "the reader knows no {}", one.pattern);
        assert!(seen.insert(one.pattern), "{} has two sentences", one.pattern);
    }
}

#[test]
fn a_sentence_ends_as_one_and_begins_with_a_clause_that_can_stand_alone() {
    for one in sentences() {
        let (pattern, clause) = (one.pattern, one.clause());
        assert!(one.what.ends_with('.'), "{pattern}: {}", one.what);
        assert!(one.what.matches('`').count() % 2 == 0, "{pattern}: {}", one.what);
        assert!(!one.what.contains('|'), "{pattern} would break a table");
        assert!((1..=100).contains(&clause.chars().count()), "{pattern}: {clause}");
        assert_ne!(one.unit, Some(""), "{pattern}");
    }
}

/// A key that is read but not noted would be in no schema; one that is not given would be noted without what is in it.
#[test]
fn the_document_with_everything_gives_every_key_that_is_read() {
    let shape = Shape::read();
    let given: BTreeSet<&str> = shape
        .notes()
        .iter()
        .filter(|noted| noted.at.is_some())
        .map(|noted| noted.place.pattern.as_str())
        .collect();
    let mut keys = 0;
    for mapping in shape.notes() {
        let children = shape.children(mapping);
        let noted: Vec<&str> = children.iter().map(|(key, _)| *key).collect();
        for key in &mapping.keys {
            assert!(
                noted.contains(key),
                "{}.{key} is read, and nothing is noted",
                mapping.place.path
            );
        }
        for (_, child) in children {
            let pattern = &child.place.pattern;
            assert!(
                given.contains(pattern.as_str()),
                "everything.yaml does not give {pattern}"
            );
            keys += 1;
        }
    }
    assert!(keys > 100, "{keys}");
}

#[test]
fn an_option_is_noted_once() {
    let shape = Shape::read();
    let mut paths = BTreeSet::new();
    for noted in shape.notes() {
        assert!(
            paths.insert(noted.place.path.clone()),
            "{} twice",
            noted.place.path
        );
    }
}
