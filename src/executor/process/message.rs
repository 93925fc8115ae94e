//! The lines of the contract with a child: bytes to values and back.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::executor::{Job, Outcome};
use crate::task::ErrorKind;

/// The version of the contract that this worker speaks.
const VERSION: u64 = 1;

/// What a child is told of a task.
#[derive(Serialize)]
struct TaskLine<'a> {
    task_id: &'a str,
    model: &'a str,
    input: &'a Value,
    attempt: u32,
    timeout_ms: u64,
    lane: &'a str,
    class: &'a str,
    tenant: &'a str,
    labels: &'a BTreeMap<String, String>,
}

/// The line of a task, with its line break.
pub(super) fn task_line(job: &Job) -> Vec<u8> {
    let task = &job.task;
    let line = TaskLine {
        task_id: task.id.as_str(),
        model: task.model.as_str(),
        input: &job.input,
        attempt: task.attempt,
        timeout_ms: job.timeout_ms,
        lane: task.lane.as_str(),
        class: task.class.as_str(),
        tenant: task.tenant.as_str(),
        labels: &task.facts.labels,
    };
    let mut bytes = serde_json::to_vec(&line).unwrap_or_else(|_| unreachable!("texts, numbers and JSON"));
    bytes.push(b'\n');
    bytes
}

/// Reads the line that says that the model is loaded; the error says what it is instead.
pub(super) fn read_ready(line: &[u8]) -> Result<(), String> {
    let found = object(line)?;
    match found.get("ready") {
        Some(version) if version.as_u64() == Some(VERSION) => Ok(()),
        Some(other) => Err(format!(
            "it is ready for version {other} of the contract; this worker speaks {VERSION}"
        )),
        None => Err(format!("its first line is not {{\"ready\": 1}}: {}", shown(line))),
    }
}

/// Reads the answer to the task `task_id`; the error says what is wrong with it.
pub(super) fn read_answer(line: &[u8], task_id: &str) -> Result<Outcome, String> {
    let mut answer = object(line)?;
    match answer.get("task_id").and_then(Value::as_str) {
        Some(id) if id == task_id => (),
        Some(id) => return Err(format!("it answers the task {id:?}, which it does not have")),
        None => return Err(format!("its answer has no task_id: {}", shown(line))),
    }
    match (answer.remove("ok"), answer.remove("error")) {
        (Some(output), None) => Ok(Outcome::Completed {
            output,
            usage: usage(answer.remove("usage"))?,
        }),
        (None, Some(Value::Object(error))) => failure(&error),
        (None, Some(_)) => Err("its `error` is no object".to_owned()),
        (Some(_), Some(_)) => Err("its answer has both `ok` and `error`".to_owned()),
        (None, None) => Err("its answer has neither `ok` nor `error`".to_owned()),
    }
}

/// How a line that nobody asked for is told.
pub(super) fn unasked(line: &[u8]) -> String {
    format!("it wrote to stdout without a task: {}", shown(line))
}

fn usage(found: Option<Value>) -> Result<Value, String> {
    match found {
        None | Some(Value::Null) => Ok(Value::Object(Map::new())),
        Some(usage @ Value::Object(_)) => Ok(usage),
        Some(_) => Err("its `usage` is no object".to_owned()),
    }
}

fn failure(error: &Map<String, Value>) -> Result<Outcome, String> {
    let text = |key| match error.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(format!("its `error.{key}` is no text")),
    };
    let retry_after_ms = match error.get("retry_after_ms") {
        None | Some(Value::Null) => None,
        Some(ms) => Some(
            ms.as_u64()
                .ok_or("its `error.retry_after_ms` is no whole number from 0")?,
        ),
    };
    let kind = match text("kind")? {
        "permanent" => ErrorKind::Permanent,
        "rate_limited" => ErrorKind::RateLimited,
        // As everywhere in the protocol, a word that is not known.
        _ => ErrorKind::Retryable,
    };
    let message = match text("message")? {
        "" => "the handler gave no message",
        message => message,
    };
    Ok(Outcome::Failed {
        kind,
        message: message.to_owned(),
        retry_after_ms,
    })
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(line).map_err(|_| format!("its line is no JSON object: {}", shown(line)))
}

/// The beginning of a line, fit for a log.
fn shown(line: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 80;
    let beginning = &line[..line.len().min(SHOWN_BYTES_MAX)];
    format!("{:?}", String::from_utf8_lossy(beginning))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;
    use crate::task::{ClassName, EpochMs, Lane, ModelName, Task, TaskId};

    fn check(line: &str, expected: Expect) {
        let shown = match read_answer(line.as_bytes(), "t-1") {
            Ok(Outcome::Completed { output, usage }) => format!("completed {output} {usage}"),
            Ok(Outcome::Failed {
                kind,
                message,
                retry_after_ms,
            }) => format!("{kind} {message:?} {retry_after_ms:?}"),
            Err(fault) => format!("fault: {fault}"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_task_is_one_line_with_its_facts() {
        let name = |class| ClassName::new(class).unwrap();
        let (id, model) = (TaskId::new("t-1").unwrap(), ModelName::new("a/b").unwrap());
        let mut task = Task::new(id, Lane::Core, name("pay"), model, EpochMs(0));
        task.facts.labels.insert("k".to_owned(), "v".to_owned());
        let job = Job {
            task,
            input: json!({"text": "two\nlines"}),
            timeout_ms: 3000,
        };
        let line = String::from_utf8(task_line(&job)).unwrap();
        expect![[r#"
            {"task_id":"t-1","model":"a/b","input":{"text":"two\nlines"},"attempt":0,"timeout_ms":3000,"lane":"core","class":"pay","tenant":"default","labels":{"k":"v"}}
        "#]]
        .assert_eq(&line);
    }

    #[test]
    fn only_the_ready_line_of_this_version_is_ready() {
        for (line, expected) in [
            (r#"{"ready":1}"#, expect![[r#"Ok(())"#]]),
            (r#" {"ready": 1, "later": true}"#, expect![[r#"Ok(())"#]]),
            (
                r#"{"ready":2}"#,
                expect![[r#"Err("it is ready for version 2 of the contract; this worker speaks 1")"#]],
            ),
            (
                r#"{"ok":1}"#,
                expect![[r#"Err("its first line is not {\"ready\": 1}: \"{\\\"ok\\\":1}\"")"#]],
            ),
            (
                "Loading…",
                expect![[r#"Err("its line is no JSON object: \"Loading…\"")"#]],
            ),
        ] {
            expected.assert_eq(&format!("{:?}", read_ready(line.as_bytes())));
        }
    }

    #[test]
    fn answers_are_read_with_their_defaults_and_unknown_fields_are_passed_over() {
        check(
            r#"{"task_id":"t-1","ok":[1.5],"usage":{"tokens":3},"later":0}"#,
            expect![[r#"completed [1.5] {"tokens":3}"#]],
        );
        check(
            r#"{"task_id":"t-1","ok":null,"usage":null}"#,
            expect!["completed null {}"],
        );
        check(
            r#"{"task_id":"t-1","error":{"kind":"permanent","message":"no","later":1}}"#,
            expect![[r#"permanent "no" None"#]],
        );
        check(
            r#"{"task_id":"t-1","error":{"kind":"rate_limited","retry_after_ms":250}}"#,
            expect![[r#"rate_limited "the handler gave no message" Some(250)"#]],
        );
        check(
            r#"{"task_id":"t-1","error":{}}"#,
            expect![[r#"retryable "the handler gave no message" None"#]],
        );
        check(
            r#"{"task_id":"t-1","error":{"kind":"yielded","message":"x"}}"#,
            expect![[r#"retryable "x" None"#]],
        );
    }

    #[test]
    fn every_mistake_is_told() {
        check(
            "hello",
            expect![[r#"fault: its line is no JSON object: "hello""#]],
        );
        check("", expect![[r#"fault: its line is no JSON object: """#]]);
        check("[1]", expect![[r#"fault: its line is no JSON object: "[1]""#]]);
        check(
            r#"{"task_id":"t-1","ok":NaN}"#,
            expect![[r#"fault: its line is no JSON object: "{\"task_id\":\"t-1\",\"ok\":NaN}""#]],
        );
        check(
            r#"{"ok":1}"#,
            expect![[r#"fault: its answer has no task_id: "{\"ok\":1}""#]],
        );
        check(
            r#"{"task_id":"t-2","ok":1}"#,
            expect![[r#"fault: it answers the task "t-2", which it does not have"#]],
        );
        check(
            r#"{"task_id":"t-1"}"#,
            expect!["fault: its answer has neither `ok` nor `error`"],
        );
        check(
            r#"{"task_id":"t-1","ok":1,"error":{}}"#,
            expect!["fault: its answer has both `ok` and `error`"],
        );
        check(
            r#"{"task_id":"t-1","error":"no"}"#,
            expect!["fault: its `error` is no object"],
        );
        check(
            r#"{"task_id":"t-1","error":{"message":1}}"#,
            expect!["fault: its `error.message` is no text"],
        );
        check(
            r#"{"task_id":"t-1","error":{"retry_after_ms":-1}}"#,
            expect!["fault: its `error.retry_after_ms` is no whole number from 0"],
        );
        check(
            r#"{"task_id":"t-1","ok":1,"usage":3}"#,
            expect!["fault: its `usage` is no object"],
        );
        assert!(read_answer(b"{\"task_id\":\"\xff\"}", "t-1").is_err());
    }
}
