//! What is in a trace and what is not, in words and as JSON.

use serde_json::{Value, json};

use crate::sim::report::text::counted;
use crate::sim::workload::{Left, Summary, TraceError};
use crate::wire::to_rfc3339;

/// For programs.
pub(super) fn as_json(summary: &Summary, file: &str) -> Value {
    let Left {
        dead,
        cancelled,
        expired,
        unreadable,
    } = summary.left;
    json!({
        "file": file,
        "tasks": summary.tasks,
        "classes": summary.classes,
        "retried": summary.retried,
        "first": summary.first.map(to_rfc3339),
        "last": summary.last.map(to_rfc3339),
        "service_ms": summary.service_ms,
        "busy_slots": summary.busy_slots().map(|slots| (slots * 1e3).round() / 1e3),
        "read": summary.read,
        "left_out": {
            "dead": dead, "cancelled": cancelled, "expired": expired, "unreadable": unreadable,
            "beyond_limit": summary.beyond_max,
        },
    })
}

/// For people.
pub(super) fn as_text(summary: &Summary) -> String {
    let mut lines = vec![headline(summary)];
    if summary.retried > 0 {
        lines.push(format!(
            "{} of them failed before: each is there once, with its last execution",
            summary.retried
        ));
    }
    lines.extend(left_out(summary));
    lines.join("\n")
}

/// That no task is there.
pub(super) fn nothing(summary: &Summary) -> String {
    let left = left_out(summary).map_or_else(String::new, |left| format!(" ({left})"));
    format!(
        "no completed task fits, of {} read{left}; results are kept as long as FL_RESULTS keeps them, and --since, --until \
         and --class leave tasks out",
        counted(summary.read, "record")
    )
}

/// That the trace is none for the simulator.
pub(super) fn refused(error: &TraceError) -> String {
    format!(
        "note: a replay refuses this trace: {error}; it is written all the same, and --since, --until and --class make a smaller one"
    )
}

fn headline(summary: &Summary) -> String {
    let classes = summary
        .classes
        .iter()
        .map(|(name, tasks)| format!("{name} {tasks}"));
    let classes: Vec<String> = classes.collect();
    let tasks = counted(summary.tasks as u64, "task");
    let times = match (summary.first, summary.last) {
        (Some(first), Some(last)) => {
            format!(" that arrived from {} to {}", to_rfc3339(first), to_rfc3339(last))
        }
        _ => String::new(),
    };
    let busy = match summary.busy_slots() {
        Some(busy) => format!("; they kept {busy:.2} slots busy on average"),
        None => "; all at one time, so that nothing can be said of their load".to_owned(),
    };
    format!("{tasks}{times} ({}){busy}", classes.join(", "))
}

fn left_out(summary: &Summary) -> Option<String> {
    let Left {
        dead,
        cancelled,
        expired,
        unreadable,
    } = summary.left;
    let reasons = [
        (dead, "dead"),
        (cancelled, "cancelled"),
        (expired, "expired"),
        (unreadable, "not readable"),
        (summary.beyond_max, "beyond --limit"),
    ];
    let told: Vec<String> = reasons
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
    (!told.is_empty()).then(|| format!("left out: {}", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::workload::Trace;
    use crate::task::EpochMs;
    use expect_test::expect;

    fn summary() -> Summary {
        Summary {
            read: 9,
            tasks: 5,
            classes: [("bulk".to_owned(), 2), ("pay".to_owned(), 3)].into(),
            retried: 1,
            first: Some(EpochMs(1_795_435_200_000)),
            last: Some(EpochMs(1_795_435_201_500)),
            service_ms: 3_000,
            left: Left {
                dead: 2,
                unreadable: 1,
                ..Left::default()
            },
            beyond_max: 1,
        }
    }

    #[test]
    fn people_are_told_what_is_in_a_trace_and_what_is_not() {
        expect![[r#"
            5 tasks that arrived from 2026-11-23T12:00:00Z to 2026-11-23T12:00:01.500Z (bulk 2, pay 3); they kept 2.00 slots busy on average
            1 of them failed before: each is there once, with its last execution
            left out: 2 dead, 1 not readable, 1 beyond --limit"#]]
        .assert_eq(&as_text(&summary()));
    }

    #[test]
    fn an_empty_one_says_why() {
        let empty = Summary {
            read: 1,
            left: Left {
                cancelled: 1,
                ..Left::default()
            },
            ..Summary::default()
        };
        expect!["no completed task fits, of 1 record read (left out: 1 cancelled); results are kept as long as FL_RESULTS keeps them, and --since, --until and --class leave tasks out"]
            .assert_eq(&nothing(&empty));
    }

    #[test]
    fn a_trace_that_no_replay_takes_is_told_of() {
        let text = "TIMESTAMP,ContextTokens,GeneratedTokens,Class,ServiceMs,Tenant\n\
                    2026-10-01 12:00:00,0,0,pay,5,default\n\
                    2026-11-23 12:00:00,0,0,pay,5,default\n";
        let error = Trace::parse("t.csv", text).unwrap_err();
        expect!["note: a replay refuses this trace: t.csv:3: arrives 53 days after the row on line 2, and a trace lasts 31 days at most; mend the TIMESTAMP of one of the two, or cut the file between them; it is written all the same, and --since, --until and --class make a smaller one"].assert_eq(&refused(&error));
    }

    #[test]
    fn programs_are_told_the_same() {
        expect![[r#"{"file":"t.csv","tasks":5,"classes":{"bulk":2,"pay":3},"retried":1,"first":"2026-11-23T12:00:00Z","last":"2026-11-23T12:00:01.500Z","service_ms":3000,"busy_slots":2.0,"read":9,"left_out":{"dead":2,"cancelled":0,"expired":0,"unreadable":1,"beyond_limit":1}}"#]]
            .assert_eq(&as_json(&summary(), "t.csv").to_string());
    }
}
