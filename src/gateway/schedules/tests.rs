//! What becomes a schedule, and what is refused in which words.

use expect_test::expect;

use super::{make, read_request, shown};
use crate::config::default_policy;
use crate::gateway::{Asked, Terms};
use crate::policy::Reach;
use crate::task::{EpochMs, TenantId};

const NOW: EpochMs = EpochMs(1_795_435_200_000);
const TERMS: Terms = Terms {
    body_max: 1_000_000,
    reach: Reach::Public,
};

/// What is told of a schedule with `more` instead of the usual fields.
fn said(more: &str, task: &str) -> String {
    let body = format!(r#"{{{more}, "task": {{"model": "all-MiniLM-L6-v2", "input": "hi"{task}}}}}"#);
    let asked = Asked {
        tenant: Some(TenantId::new("acme").unwrap()),
        ..Asked::default()
    };
    let made =
        read_request(body.as_bytes()).and_then(|asking| make(&default_policy(), &asking, &asked, NOW, TERMS));
    match made {
        Ok(schedule) => {
            let line = serde_json::to_string(&shown(&schedule, NOW)).unwrap();
            format!("{} {} {line}\n", schedule.name, schedule.task.id)
        }
        Err(refusal) => format!("{}: {refusal}\n", refusal.field()),
    }
}

#[test]
fn a_schedule_is_taken_or_refused_with_what_to_do() {
    const USUAL: &str = r#""name": "nightly", "cron": "0 3 * * *""#;
    let told: String = [
        said(USUAL, ""),
        said(
            r#""name": "n", "cron": "*/5 * * * *", "time_zone": "Europe/Berlin", "missed": "all""#,
            r#", "class": "user_auth""#,
        ),
        said(r#""cron": "0 3 * * *""#, ""),
        said(r#""name": "n", "cron": "0 3 * * *", "zone": "UTC""#, ""),
        said(r#""name": "a.b", "cron": "0 3 * * *""#, ""),
        said(
            &format!(r#""name": "{}", "cron": "0 3 * * *""#, "x".repeat(65)),
            "",
        ),
        said(r#""name": "n", "cron": "0 3 * *""#, ""),
        said(r#""name": "n", "cron": "0 3 * * *", "time_zone": "Mars""#, ""),
        said(r#""name": "n", "cron": "0 3 * * *", "missed": "some""#, ""),
        said(USUAL, r#", "class": "slow""#),
        said(USUAL, r#", "task_id": "t""#),
        said(USUAL, r#", "deadline": "2030-01-01T00:00:00Z""#),
        said(USUAL, r#", "run_at": "2026-11-24T00:00:00Z""#),
    ]
    .concat();
    expect![[r#"
        822b33ad-nightly 822b33ad-nightly {"name":"nightly","cron":"0 3 * * *","time_zone":"UTC","missed":"skip","paused":false,"next":"2026-11-24T03:00:00Z","next_task_id":"nightly-1795489200000","tenant":"acme","lane":"normal","class":"metrics_ingestion","model":"all-MiniLM-L6-v2"}
        822b33ad-n 822b33ad-n {"name":"n","cron":"*/5 * * * *","time_zone":"Europe/Berlin","missed":"all","paused":false,"next":"2026-11-23T12:05:00Z","next_task_id":"n-1795435500000","tenant":"acme","lane":"core","class":"user_auth","model":"all-MiniLM-L6-v2"}
        body: cannot read the schedule: missing field `name` at line 1 column 75; send {"name", "cron", "task": {"model", "input"}}, and time_zone and missed where they matter
        body: cannot read the schedule: unknown field `zone`, expected one of `name`, `cron`, `time_zone`, `missed`, `task` at line 1 column 41; send {"name", "cron", "task": {"model", "input"}}, and time_zone and missed where they matter
        name: name: give 1 to 64 of A-Z a-z 0-9 _ -
        name: name: 65 bytes; at most 64 are allowed
        cron: cron: 4 fields; give five: minute, hour, day of the month, month, day of the week, such as 30 3 * * 1-5
        time_zone: time_zone: no zone "Mars"; give a name of the IANA database, such as UTC or Europe/Berlin
        missed: missed: no "some"; give skip, once or all
        task.class: task.class: no class "slow"; the classes are payment_processing, user_auth, metrics_ingestion, daily_backup; name one of them or add it to the policy
        task.task_id: task.task_id: a firing has its own or none; leave it out
        task.deadline: task.deadline: a firing has its own or none; leave it out
        task.run_at: task.run_at: a firing has its own or none; leave it out
    "#]].assert_eq(&told);
}
