//! A schedule, as it is stored.

use expect_test::expect;

use super::sample;
use crate::policy::{Cron, Missed};
use crate::task::EpochMs;
use crate::wire::{
    Codec, Firing, Schedule, firing_body, read_firing, read_schedule, schedule_body, write_body,
};

fn schedule() -> Schedule {
    let task = sample::task();
    Schedule {
        name: task.id.clone(),
        tenant: task.tenant.clone(),
        cron: Cron::new("30 3 * * 1-5", "Europe/Berlin").unwrap(),
        missed: Missed::Once,
        since: EpochMs(1_795_435_140_000),
        is_paused: false,
        body: write_body(&sample::body(), Codec::MessagePack).unwrap().into(),
        codec: Codec::MessagePack,
        task,
    }
}

#[test]
fn a_schedule_comes_back_with_its_task_and_its_body() {
    let schedule = schedule();
    let written = schedule_body(&schedule);
    assert_eq!(read_schedule(&written).unwrap(), schedule);
    let later = String::from_utf8(written)
        .unwrap()
        .replacen('{', r#"{"owner":"x","#, 1);
    assert_eq!(read_schedule(later.as_bytes()).unwrap(), schedule);
    let firing = Firing {
        revision: 7,
        at_ms: -5,
    };
    assert_eq!(read_firing(&firing_body(firing)), Some(firing));
    assert_eq!(read_firing(b"{}"), None);
}

#[test]
fn a_firing_is_the_same_task_whoever_fires_it() {
    let at = EpochMs(1_795_435_200_000);
    let task = schedule().firing(at).unwrap();
    assert_eq!(task.id.as_str(), "task-001-1795435200000");
    assert_eq!(task.enqueued_at, at);
    assert_eq!(task.class, sample::task().class);
}

#[test]
fn what_is_no_schedule_is_refused() {
    let text = String::from_utf8(schedule_body(&schedule())).unwrap();
    let told: String = [
        "{}".to_owned(),
        text.replace("\"name\":\"", "\"name\":\"a b"),
        text.replace("30 3", "99 3"),
        text.replace("Europe/Berlin", "Berlin"),
        text.replace("\"once\"", "\"never\""),
        text.replace("\"core\"", "\"fast\""),
        text.replace("\"Fl-Class\":\"", "\"Fl-Class\":\"a b"),
    ]
    .iter()
    .map(|broken| format!("{}\n", read_schedule(broken.as_bytes()).unwrap_err()))
    .collect();
    expect![[r#"
        the schedule cannot be read: missing field `version` at line 1 column 2
        the schedule cannot be read: name: task_id has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed
        the schedule cannot be read: cron: Component error: Number out of bounds.
        the schedule cannot be read: time_zone: no zone "Berlin"; give a name of the IANA database, such as UTC or Europe/Berlin
        the schedule has no known missed
        the schedule has no known lane
        the schedule cannot be read: Fl-Class: class has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed
    "#]].assert_eq(&told);
}
