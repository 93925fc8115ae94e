//! A seed says everything.

use std::time::Duration;

use crate::scheduler::rules::{Between, Infeasible, MlfqRules, Rules, ScoreWeights};
use crate::sim::plan::{Mesh, Mode, Plan};
use crate::sim::report::json::PolicyJson;
use crate::sim::report::{picture, summarise};
use crate::sim::workload::{Kind, Length, Spec, build};
use crate::sim::{explain, log, run};

const RULES: [Between; 7] = [
    Between::Fifo,
    Between::Strict {
        floor: Between::FLOOR,
    },
    Between::Weighted,
    Between::Edf {
        infeasible: Infeasible::Drop,
    },
    Between::Aging,
    Between::Score(ScoreWeights::DEFAULT),
    Between::Mlfq(MlfqRules::DEFAULT),
];

fn rules(between: Between) -> Rules {
    Rules {
        between,
        ..Rules::default()
    }
}

fn short(kind: Kind) -> Spec {
    Spec {
        length: Some(Length::Tasks(500)),
        ..Spec::new(kind)
    }
}

/// Workers that die, and a server that dawdles.
const ROUGH: Mesh = Mesh {
    workers: 4,
    round_trip_us: 2_000,
    crashes: 5,
    ack_wait_ms: 3_000,
    slow_percent: 10,
};

/// The report of one seed, as JSON and as a picture.
fn report(between: Between, mode: Mode) -> String {
    let workload = build(&short(Kind::Mix), 3).expect("it is a workload");
    let plan = Plan::of(rules(between), &workload, mode);
    let report = summarise(&plan, &workload, &[run(&workload, &plan, 3)]).expect("Little's law holds");
    let json = serde_json::to_string(&PolicyJson::from(&report)).expect("it is JSON");
    json + &picture::svg(&[report]).expect("it is a picture")
}

#[test]
fn the_same_seed_gives_the_same_report_byte_for_byte() {
    for between in RULES {
        for mode in [Mode::Ideal, Mode::Mesh(ROUGH)] {
            assert_eq!(report(between, mode), report(between, mode), "{between:?}");
        }
    }
}

#[test]
fn nothing_is_lost_when_workers_die() {
    for between in RULES {
        let workload = build(&short(Kind::Mix), 4).expect("it is a workload");
        let plan = Plan::of(rules(between), &workload, Mode::Mesh(ROUGH));
        let run = run(&workload, &plan, 4);
        let again = run.records.iter().filter(|record| record.deliveries > 1).count();
        assert_eq!(run.records.len(), counted(&workload), "{between:?}");
        assert!(again > 0, "nobody died with a task");
    }
}

fn counted(workload: &crate::sim::workload::Workload) -> usize {
    match &workload.source {
        crate::sim::workload::Source::Open(jobs) => {
            jobs.iter().filter(|job| job.at_us >= workload.warmup_us).count()
        }
        crate::sim::workload::Source::Closed(_) => 0,
    }
}

#[test]
fn every_pick_says_why_in_one_line() {
    let flood = Spec {
        length: Some(Length::For(Duration::from_secs(30))),
        ..Spec::new(Kind::Flood)
    };
    for between in RULES {
        for mode in [Mode::Ideal, Mode::Mesh(Mesh::default())] {
            let workload = build(&flood, 1).expect("it is a workload");
            let plan = Plan::of(rules(between), &workload, mode);
            let lines = explain(&workload, &plan, 1, 2_000);
            assert_eq!(lines.len(), 2_000, "{between:?}");
            for line in &lines {
                assert!(!line.contains('\n') && line.contains(" by "), "{line}");
            }
            assert!(
                lines.iter().any(|line| line.contains("passed over: ")),
                "{between:?}"
            );
        }
    }
}

#[test]
fn what_the_first_worker_said_is_kept_when_it_dies() {
    let lonely = Mesh {
        workers: 1,
        crashes: 1,
        ..ROUGH
    };
    let calm = Mesh { crashes: 0, ..lonely };
    let workload = build(&short(Kind::Mix), 4).expect("it is a workload");
    for between in RULES {
        let plan = |mesh| Plan::of(rules(between), &workload, Mode::Mesh(mesh));
        let (said, undisturbed) = (plan(lonely), plan(calm));
        let lines = explain(&workload, &said, 4, usize::MAX);
        // It dies after the warm-up, and until then nothing is different.
        assert!(lines.len() > 100, "{between:?}: {}", lines.len());
        assert_eq!(
            lines[..20],
            explain(&workload, &undisturbed, 4, 20),
            "{between:?}"
        );
        let (log, undisturbed) = (log(&workload, &said, 4), log(&workload, &undisturbed, 4));
        assert_eq!(
            format!("{:?}", &log[..20]),
            format!("{:?}", &undisturbed[..20]),
            "{between:?}"
        );
        assert!(log.is_sorted_by_key(|(at, ..)| *at), "{between:?}");
    }
}
