//! What `sim` says to flags that cannot be, and how it ends. It needs no server.

use crate::support::cli;

/// A run that takes a moment.
const SHORT: [&str; 7] = ["sim", "--policy", "fifo", "--tasks", "200", "--seeds", "1"];

/// Its exit code, and what it said on stderr.
fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = cli::run(arguments);
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn printed(arguments: &[&str]) -> String {
    let output = cli::run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_cannot_be_simulated_is_a_matter_of_usage_and_says_what_would_do() {
    let alone: &[(&str, &str)] = &[
        ("--first-seed 18446744073709551615", "--first-seed"),
        ("tune --first-seed 18446744073709551615", "--first-seed"),
        ("--workers 64", "64 workers share 16 slots; give --slots"),
        ("tune --workers 64", "64 workers share 16 slots; give --slots"),
        ("--workload reference --workers 2", "2 workers share 1 slot;"),
        ("--load 0", "--load <X>': give a number from 0.001 to 100"),
        ("--load nan", "give a number from 0.001 to 100"),
        ("--load much", "give a number from 0.001 to 100"),
        ("--load -1", "give a number from 0.001 to 100"),
        ("--cv 0", "--cv <X>': give a number from 0.1 to 10"),
        ("--cv 2 --workload flood", "takes no --cv: only mix"),
        ("--without --workload mix", "takes no --without: only flood"),
        (
            "--tasks 9 --workload flood",
            "takes no --tasks: it lasts for a time; give --seconds",
        ),
        ("--tasks 0", "--tasks <N>': 0 is not in 1..=10000000"),
        ("--tasks 1", "give more --tasks or --seconds"),
        ("--workload reference --seconds 1", "must be longer (--seconds)"),
        (
            "tune --rule aging --workload reference --seconds 60 --seeds 1",
            "must be longer (--seconds)",
        ),
        ("--seeds -1", "-1 is not in 1..=1000"),
        ("--rtt -5ms", "such as 500us"),
        ("--trace no/such.csv", "cannot read the trace no/such.csv"),
        ("--policy fifo,fifo", "twice; leave one out"),
        ("--ideal --workers 2", "cannot be used with"),
        ("--ideal --crashes 1", "cannot be used with"),
        ("--ideal --slow 1", "cannot be used with"),
        ("--ideal --rtt 1ms", "cannot be used with"),
        ("--ideal --ack-wait-ms 5", "cannot be used with"),
        ("-o svg --json", "--json and --output svg exclude each other"),
        (
            "-o svg --explain 3",
            "--output svg is a picture of what sim compares",
        ),
        ("tune -o svg", "--output svg is a picture of what sim compares"),
    ];
    for (flags, says) in alone {
        let arguments: Vec<&str> = ["sim"].into_iter().chain(flags.split(' ')).collect();
        let (code, said) = refusal(&arguments);
        assert_eq!(code, Some(2), "{flags}: {said}");
        assert!(said.contains(says), "{flags}: {said}");
        assert!(!said.contains("panicked"), "{flags}: {said}");
    }
}

#[test]
fn a_picture_is_refused_by_commands_that_draw_none() {
    let (code, said) = refusal(&["policy", "validate", "no.yaml", "-o", "svg"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("svg"), "{said}");
}

#[test]
fn a_header_says_by_whom_it_was_served() {
    let by = |flags: &[&str]| printed(&[&SHORT, flags].concat());
    assert!(by(&[]).starts_with("mix, load 0.90, 16 slots, 1 seed, served by 1 worker, round trip 500us\n"));
    assert!(
        by(&["--ideal", "--hints"])
            .contains("one scheduler that knows every queue, each task's cost hinted at\n")
    );
    let rough = by(&["--workers", "4", "--crashes", "2", "--rtt", "2ms", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&rough).expect("it is JSON");
    assert_eq!(json[0]["served_by"]["workers"], 4);
    assert_eq!(json[0]["served_by"]["crashes"], 2);
    assert_eq!(json[0]["served_by"]["rtt_us"], 2_000);
}

#[test]
fn what_a_policy_gave_up_is_in_its_table() {
    let flags = [
        "--load", "3", "--policy", "edf,fifo", "--seeds", "1", "--tasks", "500",
    ];
    let table = printed(&[&["sim"], &flags[..]].concat());
    assert!(table.contains("DROPPED") && table.contains("STARVED"), "{table}");
}

#[test]
fn picks_are_explained_by_a_worker_that_dies() {
    let lines = printed(
        &[
            &SHORT[..],
            &["--explain", "20", "--workers", "1", "--crashes", "1"],
        ]
        .concat(),
    );
    assert_eq!(lines.lines().count(), 20, "{lines}");
}

#[test]
fn a_search_that_finds_nothing_better_says_so_and_gives_no_patch() {
    // One class alone, of which each task is as urgent as the other: its aging changes nothing.
    let search = [
        "sim",
        "tune",
        "--rule",
        "aging",
        "--workload",
        "conv",
        "--tasks",
        "200",
    ];
    let text = printed(&search);
    assert!(
        text.contains("nothing better than the defaults was found"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&printed(&[&search[..], &["--json"]].concat())).expect("it is JSON");
    assert!(json["patch"].is_null() && json["tuned"].is_null(), "{json}");
    assert!(
        json["steps"].is_u64() && json["default"]["mean_ms"].is_f64(),
        "{json}"
    );
}

#[test]
fn a_search_that_finds_something_prints_yaml() {
    let flags = "--load 1.5 --objective slo --tasks 800 --steps 8 --seeds 1 --held-out 1";
    let arguments: Vec<&str> = ["sim", "tune"].into_iter().chain(flags.split(' ')).collect();
    let text = printed(&arguments);
    assert!(
        text.starts_with("scheduler:\n  between: score\n  score: { urgency: "),
        "{text}"
    );
    assert!(text.contains("# tuned against default: mean "), "{text}");
    assert!(
        text.lines()
            .skip(3)
            .all(|line| line.is_empty() || line.starts_with('#')),
        "{text}"
    );
}
