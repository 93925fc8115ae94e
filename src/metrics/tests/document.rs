//! docs/metrics.md is written from the catalogue. `UPDATE_EXPECT=1` writes it.

use expect_test::expect_file;
use metrics::Unit;

use crate::metrics::exposition::{BUCKETS_S, BUCKETS_SIZE};
use crate::metrics::label::Label;
use crate::metrics::*;
use crate::task::{DeadReason, ErrorKind, Lane};

const HEAD: &str = "\
# Metrics

Every role serves `GET /metrics` (Prometheus text), `GET /healthz` (200 as long as the process lives) and
`GET /readyz` (200, or 503 with the reason) at `FAIRLANE_METRICS_LISTEN`. Several roles in one process show the
same numbers. This page is written by `make goldens` from `src/metrics/catalogue.rs`.

";

/// What no single process can say.
const FAIRNESS: &str = "
## Fairness over the whole mesh

`fairlane_share_ratio` and `fairlane_tenant_jain_index` are of one process, and `instance` tells them apart: a class whose
tasks happen to go to one worker has a high ratio there and a low one elsewhere. No process says how evenly the whole mesh
served; over its classes the counters do. What each class had in the last five minutes, for its share:

```promql
sum by (class) (rate(fairlane_execution_seconds_sum[5m]))
  / on (class) (max by (class) (fairlane_class_share) > 0)
```

Recorded as `class:fairlane_service_per_share:rate5m`, Jain's index of the classes that were served is

```promql
sum(class:fairlane_service_per_share:rate5m > 0) ^ 2
  / (count(class:fairlane_service_per_share:rate5m > 0) * sum(class:fairlane_service_per_share:rate5m ^ 2))
```

1 is exact, and means something only while all classes have tasks that wait (`fairlane_queue_depth`). Executions are counted
by the time they took; of a model whose tasks share its runs, that is more than they were charged. Of tenants there is no
such index over the mesh: they are no label, because there may be any number of them.
";

fn document() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| name | kind | unit | labels | what it says |\n| --- | --- | --- | --- | --- |\n");
    for Entry {
        name,
        kind,
        unit,
        labels,
        help,
    } in CATALOGUE
    {
        let kind = format!("{kind:?}").to_lowercase();
        let unit = match unit {
            Unit::Count => "1",
            other => other.as_str(),
        };
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        text.push_str(&format!(
            "| `{name}` | {kind} | {unit} | {} | {help} |\n",
            labels.join(" ")
        ));
    }
    text.push_str("\n| label | of | values |\n| --- | --- | --- |\n");
    for (label, of, values) in values() {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        text.push_str(&format!("| `{label}` | {of} | {} |\n", values.join(" ")));
    }
    let listed = |bounds: &[f64]| bounds.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    text.push_str(&format!(
        "\nUpper bounds of all buckets, in seconds: {}; of `fairlane_batch_size`: {}.\n",
        listed(BUCKETS_S),
        listed(BUCKETS_SIZE)
    ));
    text.push_str(FAIRNESS);
    text
}

fn values() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    vec![
        ("lane", "all", Lane::ALL.map(Lane::as_str).to_vec()),
        ("outcome", "`fairlane_tasks_total`", texts::<TaskOutcome>()),
        ("kind", "`fairlane_pulls_total`", texts::<PullKind>()),
        ("outcome", "`fairlane_pulls_total`", texts::<PullOutcome>()),
        ("reason", "`fairlane_hand_backs_total`", texts::<HandBackReason>()),
        ("reason", "`fairlane_batches_total`", texts::<BatchReason>()),
        ("kind", "`fairlane_reports_total`", texts::<ErrorKind>()),
        ("reason", "`fairlane_dead_letters_total`", texts::<DeadReason>()),
        (
            "action",
            "`fairlane_uncovered_subjects_total`",
            texts::<UncoveredAction>(),
        ),
        ("what", "`fairlane_repairs_total`", texts::<Repair>()),
        (
            "outcome",
            "`fairlane_callbacks_total`",
            texts::<CallbackOutcome>(),
        ),
        ("door", "`fairlane_submissions_total`", texts::<Door>()),
        (
            "outcome",
            "`fairlane_submissions_total`",
            texts::<SubmissionOutcome>(),
        ),
    ]
}

/// The values of a label, each once.
fn texts<L: Label>() -> Vec<&'static str> {
    let mut texts: Vec<&str> = L::all().into_iter().map(L::text).collect();
    let mut seen = std::collections::BTreeSet::new();
    texts.retain(|text| seen.insert(*text));
    texts
}

#[test]
fn the_page_on_metrics_says_what_the_catalogue_says() {
    expect_file!["../../../docs/metrics.md"].assert_eq(&document());
}
