//! A small drill: the checker's own tests plant what it must find, this one shows that a run finds nothing.

use crate::support::{Turn, cli};

#[test]
fn a_mesh_that_is_hit_while_it_works_loses_nothing_invents_nothing_and_doubles_nothing() {
    let _turn = Turn::blocking();
    let said = cli::run(&[
        "drill",
        "run",
        "chaos-mini",
        "--json",
        "--tasks",
        "1000",
        "--seed",
        "7",
    ]);
    let figures = cli::json(&said);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let figure = |name: &str| figures[name].as_u64().expect("a number");
    assert_eq!((figure("accepted"), figure("terminal")), (1000, 1000));
    assert_eq!(
        [
            "lost",
            "invented",
            "duplicates_visible",
            "left",
            "too_early",
            "overheld",
            "wrong_end"
        ]
        .map(figure),
        [0; 7]
    );
    let happened = |name: &str| figures["happened"][name].as_u64().expect("a number");
    for kind in ["dependents", "dependency_failed", "keyed", "granted", "delayed"] {
        assert!(happened(kind) > 0, "{kind}");
    }
}
