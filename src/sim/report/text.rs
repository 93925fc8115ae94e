//! Reports for people: rows of tables, which the command line draws.

use super::figures::{ClassFigures, Latency, Report};

/// So many of something, `one` of which is called so.
#[must_use]
pub fn counted(n: u64, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// What was simulated: the workload, how much of it, and who served it.
#[must_use]
pub fn headline(report: &Report) -> String {
    format!(
        "{}, {}, served by {}",
        report.workload,
        setting(report).join(", "),
        report.served_by
    )
}

/// Load, slots and seeds.
pub(super) fn setting(report: &Report) -> [String; 3] {
    [
        report
            .load
            .map_or_else(|| "closed loop".to_owned(), |load| format!("load {load:.2}")),
        counted(report.slots.into(), "slot"),
        counted(report.seeds as u64, "seed"),
    ]
}

/// What a table shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<const N: usize> {
    /// What its columns are.
    pub header: [&'static str; N],
    /// Its rows, from the top.
    pub rows: Vec<[String; N]>,
}

/// One row for each policy.
#[must_use]
pub fn policies(reports: &[Report]) -> Rows<9> {
    let row = |report: &Report| {
        let [mean, p50, p99] = times(report.latency);
        [
            report.policy.clone(),
            mean,
            p50,
            p99,
            figure(report.throughput_per_s),
            percent(report.slo_attained),
            format!("{:.3}", report.jain),
            report.bypass_max.to_string(),
            figure(report.in_system),
        ]
    };
    Rows {
        header: [
            "policy", "mean", "p50", "p99", "per s", "SLO", "Jain", "bypass", "L",
        ],
        rows: reports.iter().map(row).collect(),
    }
}

/// One row for each policy that gave tasks up or let them starve; none where none did.
#[must_use]
pub fn losses(reports: &[Report]) -> Option<Rows<5>> {
    let row = |report: &Report| {
        let part = |count: usize| match count {
            0 => "0".to_owned(),
            _ => format!("{count} ({})", percent(report.part(count))),
        };
        [
            report.policy.clone(),
            report.tasks.to_string(),
            part(report.dropped),
            part(report.parked),
            part(report.starved),
        ]
    };
    let lossy = reports.iter().filter(|report| !report.losses().is_empty());
    let rows: Vec<_> = lossy.map(row).collect();
    (!rows.is_empty()).then_some(Rows {
        header: ["policy", "tasks", "dropped", "parked", "starved"],
        rows,
    })
}

/// One row for each class of one policy.
#[must_use]
pub fn classes(report: &Report) -> Rows<8> {
    let row = |class: &ClassFigures| {
        let [mean, p50, p99] = times(class.latency);
        [
            class.name.clone(),
            limit(class.slo_ms),
            percent(class.share),
            mean,
            p50,
            p99,
            class.slo_attained.map_or_else(nothing, percent),
            figure(class.throughput_per_s),
        ]
    };
    Rows {
        header: [
            "class",
            "SLO",
            "share",
            "mean",
            "p50",
            "p99",
            "SLO attained",
            "per s",
        ],
        rows: report.classes.iter().map(row).collect(),
    }
}

/// A time, to three digits: in ms below 10 s, in s from there on.
#[must_use]
pub fn duration(ms: f64) -> String {
    if ms < 9_999.5 {
        format!("{} ms", figure(ms))
    } else {
        format!("{} s", figure(ms / 1e3))
    }
}

/// Three digits where as many are told apart behind the point, else all before it.
fn figure(x: f64) -> String {
    if x == 0.0 {
        "0".to_owned()
    } else if x < 0.099_5 {
        format!("{x:.3}")
    } else if x < 9.995 {
        format!("{x:.2}")
    } else if x < 99.95 {
        format!("{x:.1}")
    } else {
        format!("{x:.0}")
    }
}

/// A part of a whole. Never rounded up to all of it.
#[must_use]
pub fn percent(part: f64) -> String {
    let tenths = (part * 1e3).round();
    let shown = if part < 1.0 { tenths.min(999.0) } else { tenths };
    format!("{:.1} %", shown / 10.0)
}

/// What there was no task for.
pub(super) fn nothing() -> String {
    "–".to_owned()
}

fn times(latency: Option<Latency>) -> [String; 3] {
    let Some(latency) = latency else {
        return [(); 3].map(|()| nothing());
    };
    [latency.mean_ms, latency.p50_ms, latency.p99_ms].map(duration)
}

/// A time that somebody chose, to its last digit.
fn limit(ms: u64) -> String {
    if ms < 10_000 {
        format!("{ms} ms")
    } else {
        format!("{} s", ms as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::plan::Mode;
    use crate::sim::report::sample::report;
    use expect_test::expect;

    /// The header and the rows, a line each.
    fn lines<const N: usize>(table: &Rows<N>) -> String {
        let rows = table.rows.iter().map(|row| row.join(" | "));
        let lines = std::iter::once(table.header.join(" | ")).chain(rows);
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_policy_is_one_row() {
        let reports = ["fifo", "edf"].map(report);
        expect![[r#"
            policy | mean | p50 | p99 | per s | SLO | Jain | bypass | L
            fifo | 30.0 ms | 20.0 ms | 60.0 ms | 25.0 | 33.3 % | 0.650 | 5 | 0.85
            edf | 30.0 ms | 20.0 ms | 60.0 ms | 25.0 | 33.3 % | 0.650 | 5 | 0.85"#]]
        .assert_eq(&lines(&policies(&reports)));
    }

    #[test]
    fn a_headline_says_what_was_simulated_and_by_whom_it_was_served() {
        let mut report = report("fifo");
        expect!["steady, load 0.50, 2 slots, 2 seeds, served by 1 worker, round trip 500us"]
            .assert_eq(&headline(&report));

        (report.load, report.slots, report.seeds) = (None, 1, 1);
        report.served_by.mode = Mode::Ideal;
        expect!["steady, closed loop, 1 slot, 1 seed, served by one scheduler that knows every queue"]
            .assert_eq(&headline(&report));
    }

    #[test]
    fn a_policy_that_gave_tasks_up_has_a_row_of_its_own() {
        let mut harmless = report("fifo");
        (harmless.dropped, harmless.parked, harmless.starved) = (0, 0, 0);
        assert_eq!(losses(std::slice::from_ref(&harmless)), None);

        let mut report = report("edf");
        report.parked = 0;
        expect![[r#"
            policy | tasks | dropped | parked | starved
            edf | 6 | 1 (16.7 %) | 0 | 1 (16.7 %)"#]]
        .assert_eq(&lines(&losses(&[harmless, report]).expect("one gave up")));
    }

    #[test]
    fn a_class_is_one_row() {
        let mut report = report("fifo");
        report.classes[1].latency = None;
        report.classes[1].slo_attained = None;
        expect![[r#"
            class | SLO | share | mean | p50 | p99 | SLO attained | per s
            chat | 25 ms | 71.4 % | 20.0 ms | 20.0 ms | 30.0 ms | 50.0 % | 20.0
            batch | 3 ms | 28.6 % | – | – | – | – | 5.00"#]]
        .assert_eq(&lines(&classes(&report)));
    }

    #[test]
    fn a_time_has_three_digits_and_the_unit_that_fits() {
        let times = [
            0.0, 0.004, 9.994, 9.995, 99.94, 99.95, 9_999.4, 9_999.5, 123_456.0,
        ]
        .map(duration);
        expect!["0 ms, 0.004 ms, 9.99 ms, 10.0 ms, 99.9 ms, 100 ms, 9999 ms, 10.0 s, 123 s"]
            .assert_eq(&times.join(", "));
    }

    #[test]
    fn an_slo_is_shown_as_it_was_chosen() {
        assert_eq!(
            [25, 9_999, 10_000, 12_500].map(limit),
            ["25 ms", "9999 ms", "10 s", "12.5 s"]
        );
    }

    #[test]
    fn a_share_is_all_only_if_nothing_is_missing() {
        assert_eq!(
            [0.0, 0.12345, 0.9999, 1.0].map(percent),
            ["0.0 %", "12.3 %", "99.9 %", "100.0 %"]
        );
    }
}
