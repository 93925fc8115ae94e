//! `fairlane demo` as a user runs it, with the real model.

use crate::support::Turn;
use crate::support::cli::{json, run};

#[test]
fn the_demo_brings_every_sentence_back_and_finds_each_by_other_words() {
    let _turn = Turn::blocking();
    let shown = run(&["demo", "--json"]);
    assert!(shown.status.success(), "{shown:?}");
    let report = json(&shown);
    assert_eq!(
        (report["submitted"].as_u64(), report["completed"].as_u64()),
        (Some(240), Some(240))
    );
    assert_eq!(report["lost"], 0);
    let wait = |class: &str| report["classes"][class]["wait_ms_p50"].as_u64().expect("a wait");
    assert!(
        wait("payment_processing") < wait("daily_backup"),
        "{}",
        report["classes"]
    );
    for found in report["search"].as_array().expect("searches") {
        assert_eq!(found["correct"], true, "{found}");
    }
}
