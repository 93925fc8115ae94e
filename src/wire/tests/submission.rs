//! The record of a submission, as it is stored.

use expect_test::expect;

use super::sample;
use crate::wire::{Submission, read_submission, submission_body};

#[test]
fn a_record_is_one_line_of_json_and_comes_back() {
    let mut submission = Submission::of(&sample::task(), "ab12".to_owned());
    let text = |of: &Submission| String::from_utf8(submission_body(of)).unwrap();
    expect![[r#"{"version":1,"task_id":"task-001","lane":"core","class":"payment_processing","model":"BAAI/bge.m3","tenant":"acme","digest":"ab12","submitted_at":1795435140000,"callback":"https://client.example.com/result"}"#]].assert_eq(&text(&submission));
    assert_eq!(read_submission(text(&submission).as_bytes()).unwrap(), submission);
    assert!(!submission.is_confirmed());
    submission = submission.confirmed(7);
    assert_eq!((submission.sequence, submission.timer), (Some(7), None));
    assert_eq!(read_submission(text(&submission).as_bytes()).unwrap(), submission);
    let waits = |held| {
        let mut waits = Submission::of(&sample::task(), "ab12".to_owned());
        waits.held = held;
        read_submission(text(&waits).as_bytes()).unwrap()
    };
    let told = [None, Some(0), Some(7)].map(|held| (waits(held).held, waits(held).is_confirmed()));
    assert_eq!(told, [(None, false), (Some(0), false), (Some(7), true)]);
    // What is to start later is confirmed by another stream: its lane must not be asked for that sequence.
    let at = submission.submitted_at;
    let later = Submission::of(&sample::task(), String::new()).starting(Some(at.plus_ms(5)), at);
    let later = later.confirmed(8);
    assert_eq!((later.sequence, later.timer), (None, Some(8)));
    assert!(later.is_confirmed());
    assert_eq!(read_submission(text(&later).as_bytes()).unwrap(), later);
}

#[test]
fn a_record_of_a_later_version_is_read_and_what_is_none_is_refused() {
    let text = String::from_utf8(submission_body(&Submission::of(&sample::task(), String::new()))).unwrap();
    let later = text.replacen('{', r#"{"owner":"somebody","#, 1);
    assert!(read_submission(later.as_bytes()).is_ok());
    let told: String = [
        "",
        "{}",
        &text.replace("\"core\"", "\"fast\""),
        &text.replace("\"task_id\":\"", "\"task_id\":\"a.b"),
    ]
    .iter()
    .map(|text| format!("{}\n", read_submission(text.as_bytes()).unwrap_err()))
    .collect();
    expect![[r#"
        the record cannot be read: EOF while parsing a value at line 1 column 0
        the record cannot be read: missing field `version` at line 1 column 2
        the record has no known lane: "fast"
        the record cannot be read: task_id has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed
    "#]]
    .assert_eq(&told);
}
