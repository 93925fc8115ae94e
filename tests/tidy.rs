//! The rules the source tree obeys, read from its syntax: who may import whom, what each place may name,
//! how long files and functions are, what a module file looks like, which attributes and markers stay out.
//!
//! It reads text and links nothing of the crate. Every rule has a fixture it must report and a good twin it
//! must let pass: a rule that can no longer fail fails here first.

mod tidy {
    pub(crate) mod source;
    pub(crate) mod tokens;

    mod uses;

    pub(crate) mod names;

    pub(crate) mod attributes;
    pub(crate) mod bans;
    pub(crate) mod layers;
    pub(crate) mod markers;
    pub(crate) mod shape;
    pub(crate) mod size;

    pub(crate) mod fixture;
}

use tidy::source::{Fault, Source};
use tidy::{attributes, bans, fixture, layers, markers, shape, size, source};

/// A rule reads one file and reports everything wrong with it.
type Rule = fn(&Source) -> Vec<Fault>;

const RULES: &[Rule] = &[
    layers::faults,
    bans::faults,
    size::faults,
    shape::faults,
    attributes::faults,
    markers::faults,
];

/// Everything wrong with one file, under all rules.
fn judge(source: &Source) -> Vec<Fault> {
    RULES.iter().flat_map(|rule| rule(source)).collect()
}

#[test]
fn the_tree_obeys_every_rule() {
    let (sources, mut faults) = source::tree();
    faults.extend(sources.iter().flat_map(judge));
    faults.sort();
    faults.dedup();

    let report: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(
        report.is_empty(),
        "{} faults:\n{}",
        report.len(),
        report.join("\n")
    );
}

#[test]
fn the_tree_is_held_to_every_kind_of_rule() {
    fixture::reports(judge, "src/task/class.rs", "every_rule_bad");
}

#[test]
fn the_scan_reads_src_and_tests_but_no_fixture() {
    let (sources, _) = source::tree();
    let paths: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();

    assert!(paths.contains(&"src/lib.rs"), "{paths:?}");
    assert!(paths.contains(&"tests/tidy.rs"), "{paths:?}");
    assert!(
        !paths.iter().any(|path| path.starts_with(source::FIXTURES)),
        "{paths:?}"
    );
}

#[test]
fn a_fault_reads_file_line_and_what_to_do() {
    let fault = Fault::new(
        "src/task/state.rs",
        7,
        "names `tokio`; take the time as an argument",
    );

    assert_eq!(
        fault.to_string(),
        "src/task/state.rs:7: names `tokio`; take the time as an argument"
    );
}

#[test]
fn a_file_that_does_not_parse_is_a_fault_of_its_own() {
    let broken = Source::parse("src/task/state.rs", "//! States.\n\nfn half( {\n");

    assert!(broken.is_err_and(|fault| fault.to_string().contains("does not parse")));
}
