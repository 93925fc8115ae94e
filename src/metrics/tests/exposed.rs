//! What is rendered: exactly the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::metrics::exposition::{Exposition, recorder};
use crate::metrics::label::Label;
use crate::metrics::*;
use crate::task::{ClassName, DeadReason, ErrorKind, Lane};

/// What `count` counts, as text.
pub(crate) fn rendered(count: impl FnOnce()) -> String {
    let recorder = recorder().unwrap();
    let exposition = Exposition::from(recorder.handle());
    metrics::with_local_recorder(&recorder, || {
        catalogue::describe();
        count();
    });
    exposition.render()
}

fn class() -> ClassName {
    ClassName::new("user_auth").unwrap()
}

/// Every call of every role once.
fn count_everything() {
    let worker = WorkerMetrics::new();
    let class_metrics = worker.class(Lane::Core, &class());
    for outcome in TaskOutcome::all() {
        class_metrics.started();
        class_metrics.finished(outcome, Duration::from_millis(3), Duration::from_millis(40));
    }
    for outcome in PullOutcome::all() {
        worker.pull(PullKind::Ask, outcome);
        worker.pull(PullKind::Wait, outcome);
    }
    HandBackReason::all()
        .into_iter()
        .for_each(|reason| worker.hand_back(reason));
    worker.lease_extensions(2);
    worker.fairness(&class(), 0.9, 1.0);
    worker.view();
    worker.blind_picks(3);
    worker.shadowed(&class(), [2, 1]);
    worker.shadowed_otherwise(&class(), &class(), 2);

    let batches = BatchMetrics::new();
    BatchReason::all()
        .into_iter()
        .for_each(|reason| batches.began(reason, 3));

    let coordinator = CoordinatorMetrics::new();
    ErrorKind::ALL.iter().for_each(|kind| coordinator.report(*kind));
    coordinator.retry(Lane::Normal, &class());
    coordinator.demotion(Lane::Core, &class());
    coordinator.archived(&class());
    coordinator.expired(&class());
    coordinator.moved(Lane::Core, &class());
    for reason in DeadReason::ALL {
        coordinator.dead_letter(&class(), *reason);
    }
    UncoveredAction::all()
        .into_iter()
        .for_each(|action| coordinator.uncovered(action, 2));
    CallbackOutcome::all()
        .into_iter()
        .for_each(|outcome| coordinator.callback(outcome));
    Repair::all()
        .into_iter()
        .for_each(|what| coordinator.repair(what));
    coordinator.leading(true);
    coordinator.overload(Some(2));
    coordinator.put_back(Lane::Normal, &class());
    coordinator.consumers(Lane::Core, 4);
    coordinator.limit_change(Lane::Core);
    coordinator.queue(Lane::Core, &class(), QueueCounts::default());
    coordinator.share(&class(), 0.4);

    let policy = PolicyMetrics::new();
    policy.holds(1);
    policy.holds(2);
    policy.refused(None);
    let gateway = GatewayMetrics::new();
    for outcome in SubmissionOutcome::all() {
        gateway.submission(Door::Rest, outcome, Duration::from_millis(2));
        gateway.submission(Door::Nats, outcome, Duration::from_millis(2));
    }
}

/// Label names by metric name, off the lines of samples.
fn labels(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (sample, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .fold(name, |name, suffix| name.trim_end_matches(suffix));
        let names = labels
            .split(',')
            .filter_map(|label| label.split_once('='))
            .map(|(name, _)| name.to_owned());
        found
            .entry(name.to_owned())
            .or_default()
            .extend(names.filter(|name| name != "le"));
    }
    found
}

#[test]
fn the_text_has_exactly_the_names_labels_kinds_and_help_of_the_catalogue() {
    let text = rendered(count_everything);
    let expected = CATALOGUE.iter().map(|entry| {
        let labels = entry.labels.iter().map(|label| (*label).to_owned()).collect();
        (entry.name.to_owned(), labels)
    });
    assert_eq!(labels(&text), expected.collect());
    for Entry { name, kind, help, .. } in CATALOGUE {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        for line in [
            format!("# HELP {name} {help}\n"),
            format!("# TYPE {name} {kind}\n"),
        ] {
            assert!(text.contains(&line), "no {line:?} in:\n{text}");
        }
    }
}

#[test]
fn a_role_shows_its_counters_before_the_first_event() {
    let text = rendered(|| {
        let _ = WorkerMetrics::new().class(Lane::Normal, &class());
        let _ = CoordinatorMetrics::new();
    });
    for line in [
        "fairlane_tasks_total{lane=\"normal\",class=\"user_auth\",outcome=\"completed\"} 0\n",
        "fairlane_pulls_total{kind=\"wait\",outcome=\"filled\"} 0\n",
        "fairlane_reports_total{kind=\"timeout\"} 0\n",
        "fairlane_fence_refusals_total 0\n",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
}

#[test]
fn what_is_counted_is_shown() {
    let text = rendered(|| {
        let worker = WorkerMetrics::new();
        let first = worker.class(Lane::Core, &class());
        let second = worker.class(Lane::Core, &class());
        for _ in 0..4 {
            second.started();
        }
        let (short, long) = (Duration::from_micros(300), Duration::from_secs(400));
        first.finished(
            TaskOutcome::Failed(ErrorKind::Timeout),
            short,
            Duration::from_secs(3),
        );
        first.finished(TaskOutcome::Completed, long, Duration::ZERO);
        first.finished(TaskOutcome::AlreadyDecided, long, long);
        worker.lease_extensions(7);
    });
    for line in [
        "fairlane_tasks_total{lane=\"core\",class=\"user_auth\",outcome=\"timeout\"} 1\n",
        "fairlane_tasks_in_flight{lane=\"core\",class=\"user_auth\"} 1\n",
        "fairlane_queue_wait_seconds_bucket{lane=\"core\",class=\"user_auth\",le=\"0.0005\"} 1\n",
        "fairlane_queue_wait_seconds_bucket{lane=\"core\",class=\"user_auth\",le=\"300\"} 1\n",
        "fairlane_queue_wait_seconds_bucket{lane=\"core\",class=\"user_auth\",le=\"+Inf\"} 2\n",
        "fairlane_fence_refusals_total 1\n",
        "fairlane_execution_seconds_sum{lane=\"core\",class=\"user_auth\"} 3\n",
        "fairlane_lease_extensions_total 7\n",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
}

#[test]
fn roles_of_one_process_share_the_recorder() {
    let first = Exposition::install().unwrap();
    let second = Exposition::install().unwrap();
    // Other tests of this binary may count there too; this class is nobody else's.
    CoordinatorMetrics::new().retry(Lane::Core, &ClassName::new("shared").unwrap());
    for exposition in [first, second] {
        let text = exposition.render();
        let line = "fairlane_retries_total{lane=\"core\",class=\"shared\"} 1\n";
        assert!(text.contains(line), "no {line:?} in:\n{text}");
        assert!(text.contains("# HELP fairlane_retries_total "));
    }
}
