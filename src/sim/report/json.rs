//! Reports for programs.
//!
//! The keys and their order are a promise: up to `classes`, and in a class up to `share`, they stay as they are; what
//! comes later goes behind them.

use serde::{Serialize, Serializer};

use crate::sim::Hints;
use crate::sim::plan::{Mode, ServedBy};

use super::figures::{ClassFigures, Latency, Report, TenantFigures};

/// A [`Report`] as JSON. Figures have three decimals; what there was no task for is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyJson {
    policy: String,
    workload: String,
    load: Option<f64>,
    seeds: usize,
    mean_ms: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    throughput_per_s: f64,
    slo_attained: f64,
    jain: f64,
    bypass_max: u64,
    #[serde(serialize_with = "by_name")]
    classes: Vec<(String, ClassJson)>,
    in_system: f64,
    utilisation: f64,
    starved: usize,
    dropped: usize,
    parked: usize,
    slots: u32,
    tasks: usize,
    served_by: ServedByJson,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tenants: Vec<TenantJson>,
}

/// What says nothing of one scheduler that knows all is left out there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ServedByJson {
    ideal: bool,
    #[serde(flatten)]
    mesh: Option<MeshJson>,
    hints: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MeshJson {
    workers: u32,
    rtt_us: u64,
    crashes: u32,
    ack_wait_ms: u64,
    slow_percent: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ClassJson {
    mean_ms: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    throughput_per_s: f64,
    share: f64,
    slo_ms: u64,
    slo_attained: Option<f64>,
    wait_p99_ms: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TenantJson {
    tenant: u32,
    service_ms: f64,
    p99_ms: Option<f64>,
}

impl From<&Report> for PolicyJson {
    fn from(report: &Report) -> Self {
        let class = |class: &ClassFigures| (class.name.clone(), ClassJson::from(class));
        let [mean_ms, p50_ms, p99_ms] = times(report.latency);
        Self {
            policy: report.policy.clone(),
            workload: report.workload.clone(),
            load: report.load.map(rounded),
            seeds: report.seeds,
            mean_ms,
            p50_ms,
            p99_ms,
            throughput_per_s: rounded(report.throughput_per_s),
            slo_attained: rounded(report.slo_attained),
            jain: rounded(report.jain),
            bypass_max: report.bypass_max,
            classes: report.classes.iter().map(class).collect(),
            in_system: rounded(report.in_system),
            utilisation: rounded(report.utilisation),
            starved: report.starved,
            dropped: report.dropped,
            parked: report.parked,
            slots: report.slots,
            tasks: report.tasks,
            served_by: ServedByJson::from(&report.served_by),
            tenants: report.tenants.iter().map(TenantJson::from).collect(),
        }
    }
}

impl From<&ServedBy> for ServedByJson {
    fn from(by: &ServedBy) -> Self {
        let mesh = match &by.mode {
            Mode::Ideal => None,
            Mode::Mesh(mesh) => Some(MeshJson {
                workers: mesh.workers,
                rtt_us: mesh.round_trip_us,
                crashes: mesh.crashes,
                ack_wait_ms: mesh.ack_wait_ms,
                slow_percent: mesh.slow_percent,
            }),
        };
        Self {
            ideal: mesh.is_none(),
            mesh,
            hints: by.hints == Hints::ByTask,
        }
    }
}

impl From<&ClassFigures> for ClassJson {
    fn from(class: &ClassFigures) -> Self {
        let [mean_ms, p50_ms, p99_ms] = times(class.latency);
        Self {
            mean_ms,
            p50_ms,
            p99_ms,
            throughput_per_s: rounded(class.throughput_per_s),
            share: rounded(class.share),
            slo_ms: class.slo_ms,
            slo_attained: class.slo_attained.map(rounded),
            wait_p99_ms: class.wait.map(|wait| rounded(wait.p99_ms)),
        }
    }
}

impl From<&TenantFigures> for TenantJson {
    fn from(tenant: &TenantFigures) -> Self {
        Self {
            tenant: tenant.tenant,
            service_ms: rounded(tenant.service_ms),
            p99_ms: tenant.p99_ms.map(rounded),
        }
    }
}

/// Mean, median and 99th percentile, in ms.
fn times(latency: Option<Latency>) -> [Option<f64>; 3] {
    latency.map_or([None; 3], |latency| {
        [latency.mean_ms, latency.p50_ms, latency.p99_ms].map(|ms| Some(rounded(ms)))
    })
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}

/// Writes the pairs as one object, in their order.
fn by_name<S: Serializer>(classes: &[(String, ClassJson)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(classes.iter().map(|(name, class)| (name, class)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::record::End;
    use crate::sim::report::sample::{plan, report, runs, workload};
    use crate::sim::report::summarise;
    use expect_test::expect;

    fn json(report: &Report) -> String {
        serde_json::to_string_pretty(&PolicyJson::from(report)).expect("a report is JSON")
    }

    #[test]
    fn a_report_has_these_keys_in_this_order() {
        expect![[r#"
            {
              "policy": "fifo",
              "workload": "steady",
              "load": 0.5,
              "seeds": 2,
              "mean_ms": 30.0,
              "p50_ms": 20.0,
              "p99_ms": 60.0,
              "throughput_per_s": 25.0,
              "slo_attained": 0.333,
              "jain": 0.65,
              "bypass_max": 5,
              "classes": {
                "chat": {
                  "mean_ms": 20.0,
                  "p50_ms": 20.0,
                  "p99_ms": 30.0,
                  "throughput_per_s": 20.0,
                  "share": 0.714,
                  "slo_ms": 25,
                  "slo_attained": 0.5,
                  "wait_p99_ms": 10.0
                },
                "batch": {
                  "mean_ms": 60.0,
                  "p50_ms": 60.0,
                  "p99_ms": 60.0,
                  "throughput_per_s": 5.0,
                  "share": 0.286,
                  "slo_ms": 3,
                  "slo_attained": 0.0,
                  "wait_p99_ms": 40.0
                }
              },
              "in_system": 0.85,
              "utilisation": 0.25,
              "starved": 1,
              "dropped": 1,
              "parked": 1,
              "slots": 2,
              "tasks": 6,
              "served_by": {
                "ideal": false,
                "workers": 1,
                "rtt_us": 500,
                "crashes": 0,
                "ack_wait_ms": 10000,
                "slow_percent": 0,
                "hints": false
              },
              "tenants": [
                {
                  "tenant": 1,
                  "service_ms": 30.0,
                  "p99_ms": 60.0
                },
                {
                  "tenant": 2,
                  "service_ms": 5.0,
                  "p99_ms": 20.0
                }
              ]
            }"#]]
        .assert_eq(&json(&report("fifo")));
    }

    #[test]
    fn one_scheduler_that_knows_all_has_no_workers() {
        let mut report = report("fifo");
        report.served_by.mode = Mode::Ideal;
        report.served_by.hints = Hints::ByTask;
        let json = serde_json::to_value(PolicyJson::from(&report)).expect("a report is JSON");

        assert_eq!(
            json["served_by"],
            serde_json::json!({ "ideal": true, "hints": true })
        );
    }

    #[test]
    fn the_same_runs_give_the_same_bytes() {
        assert_eq!(json(&report("fifo")), json(&report("fifo")));
    }

    #[test]
    fn what_there_was_no_task_for_is_null() {
        let mut runs = runs();
        for run in &mut runs {
            run.records.retain(|record| record.class == 0);
            run.records
                .iter_mut()
                .for_each(|record| record.end = End::Dropped);
            run.in_system_us -= if run.from_us == 0 { 60_000.0 } else { 5_000.0 };
        }
        let report = summarise(&plan("edf"), &workload(), &runs).expect("the runs keep to Little's law");
        let json = serde_json::to_value(PolicyJson::from(&report)).expect("a report is JSON");

        assert!(json["mean_ms"].is_null());
        assert!(json["classes"]["chat"]["p99_ms"].is_null());
        assert_eq!(json["classes"]["chat"]["slo_attained"], 0.0);
        assert!(json["classes"]["batch"]["slo_attained"].is_null());
    }
}
