//! Proving that a rule can fail: texts under `fixtures/` whose bad lines say so themselves.
//!
//! A bad line ends in `//~ WORDS`; the rule must report exactly those lines, each with a message that
//! contains WORDS. Fixtures are read as if they stood at a path of the tree, since most rules ask where.

use std::fs;
use std::path::Path;

use super::source::{FIXTURES, Fault, Source};

type Rule = fn(&Source) -> Vec<Fault>;

const MARK: &str = "//~ ";

/// `NAME_bad.rs` is reported at its marked lines, `NAME_good.rs` is let pass.
pub(crate) fn prove(rule: Rule, path: &str, name: &str) {
    reports(rule, path, &format!("{name}_bad"));
    passes(rule, path, &format!("{name}_good"));
}

pub(crate) fn reports(rule: Rule, path: &str, fixture: &str) {
    let source = load(path, fixture);
    let marked: Vec<(usize, &str)> = (1..)
        .zip(source.text.lines())
        .filter_map(|(line, text)| text.split_once(MARK).map(|(_, words)| (line, words)))
        .collect();
    assert!(!marked.is_empty(), "{fixture} marks no line");

    let faults = sorted(rule(&source));
    let reported: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
    let wanted: Vec<usize> = marked.iter().map(|(line, _)| *line).collect();
    assert_eq!(reported, wanted, "{fixture} as {path}: {faults:#?}");
    for (fault, (_, words)) in faults.iter().zip(marked) {
        assert!(
            fault.message.contains(words),
            "{fixture} as {path}: {fault} lacks `{words}`"
        );
    }
}

pub(crate) fn passes(rule: Rule, path: &str, fixture: &str) {
    assert_eq!(rule(&load(path, fixture)), [], "{fixture} as {path}");
}

fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort();
    faults
}

fn load(path: &str, fixture: &str) -> Source {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(FIXTURES)
        .join(format!("{fixture}.rs"));
    let text = fs::read_to_string(&file).expect("the fixture exists");
    Source::parse(path, &text).expect("the fixture parses")
}
