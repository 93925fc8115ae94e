//! Whatever is written comes back, and whatever arrives is an answer or an error.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::sample;
use crate::task::*;
use crate::wire::header::Headers;
use crate::wire::*;

fn id() -> impl Strategy<Value = TaskId> {
    "[A-Za-z0-9_-]{1,128}".prop_map(|text| TaskId::new(&text).unwrap())
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(
        "\\PC{0,8}",
        any::<String>().prop_map(|text| text.chars().take(40).collect()),
        0..4,
    )
}

fn model() -> impl Strategy<Value = ModelName> {
    "[ -~é模]{1,40}".prop_map(|text| ModelName::new(&text).unwrap())
}

fn shard() -> impl Strategy<Value = Shard> {
    prop_oneof![
        any::<u16>().prop_map(Shard::Stable),
        any::<u16>().prop_map(Shard::Canary)
    ]
}

prop_compose! {
    fn facts()(
        deadline in option::of(any::<i64>()), priority in option::of(any::<u32>()),
        cost in option::of(0.0..1e12), max_attempts in option::of(any::<u32>()),
        timeout_ms in option::of(any::<u64>()), callback in option::of("[!-~]{1,60}"),
        depends_on in vec(id(), 0..3), concurrency_key in option::of("[ -~é\\n]{0,60}"),
        labels in labels(), policy in option::of(any::<u64>()), traceparent in option::of("[0-9a-f-]{55}"),
    ) -> TaskFacts {
        let deadline = deadline.map(EpochMs);
        TaskFacts {
            deadline, priority, cost, max_attempts, timeout_ms, callback, depends_on, concurrency_key, labels,
            policy, traceparent,
        }
    }
}

prop_compose! {
    fn task()(
        id in id(), core in any::<bool>(), model in model(), shard in shard(), attempt in any::<u32>(),
        hop in any::<u32>(), at in any::<i64>(), fence in any::<u64>(), facts in facts(),
    ) -> Task {
        let lane = if core { Lane::Core } else { Lane::Normal };
        Task { id, lane, model, shard, attempt, hop, enqueued_at: EpochMs(at), fence, facts, ..sample::task() }
    }
}

fn input() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| json!(f64::from(n) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn body()(
        task in task(), given in any::<bool>(), input in input(), times in option::of(0_i64..4_000_000_000_000),
        urgency in option::of(any::<i32>()),
    ) -> TaskBody {
        TaskBody {
            task_id: given.then_some(task.id),
            priority: task.facts.priority,
            deadline: times.map(EpochMs),
            run_at: times.map(|ms| EpochMs(ms / 1000 * 1000)),
            urgency_score: urgency.map(|n| f64::from(n) / 8.0),
            callback_url: task.facts.callback,
            depends_on: task.facts.depends_on,
            concurrency_key: task.facts.concurrency_key,
            timeout_ms: task.facts.timeout_ms,
            labels: task.facts.labels,
            ..TaskBody::new(task.model, input)
        }
    }
}

/// Feeds `headers` and `bytes` to every reader there is.
fn read_all(headers: &Headers, bytes: &[u8]) {
    let (route, at) = (sample::route(), sample::NOON);
    let arrival = Arrival {
        route: &route,
        headers,
        body: bytes,
        origin: Origin::Lane(1),
        stored_at: at,
    };
    let facts = read_facts(&arrival);
    if let Ok(incoming) = read_task(&arrival) {
        assert_eq!(facts, Ok(incoming.task), "both readers agree");
    } else if let Err(malformed) = facts {
        assert_eq!(salvage(&arrival, &malformed).id, malformed.task_id);
    }
    let _ = read_report(&route, headers, bytes, 1, at);
    let _ = read_dead(headers, bytes, 1, at);
    let _ = read_result(headers, bytes);
    let _ = read_fence(headers);
    let _ = read_history(headers);
}

proptest! {
    #[test]
    fn a_task_comes_back_from_its_headers(task in task()) {
        let headers = task_headers(&task);
        prop_assert!(headers.iter().all(|(_, value)| value.bytes().all(|b| (0x20..0x7f).contains(&b))));
        let route = Route::of(&task);
        let arrival = Arrival { route: &route, headers: &headers, body: b"", origin: Origin::Lane(1), stored_at: EpochMs(0) };
        let read = read_facts(&arrival).unwrap();
        prop_assert_eq!(&task_headers(&read), &headers);
        prop_assert_eq!(read, task);
    }

    #[test]
    fn a_body_comes_back_in_both_codecs(body in body()) {
        for codec in [Codec::Json, Codec::MessagePack] {
            let bytes = write_body(&body, codec).unwrap();
            prop_assert_eq!(&parse_body(None, &bytes).unwrap(), &body);
        }
    }

    #[test]
    fn arbitrary_bytes_are_never_a_crash(bytes in vec(any::<u8>(), 0..512), wrap in 0..4) {
        let start: &[u8] = match wrap {
            0 => b"",
            1 => b"{\"input\":",
            2 => b"\x82\xa5input",
            _ => b"\x83\xa6labels",
        };
        let bytes = [start, &bytes].concat();
        let _ = parse_body(Some("application/json"), &bytes);
        let _ = parse_body(Some("application/msgpack"), &bytes);
        read_all(&Headers::default(), &bytes);
    }

    #[test]
    fn a_damaged_body_is_never_a_crash(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for codec in [Codec::Json, Codec::MessagePack] {
            let mut bytes = write_body(&sample::body(), codec).unwrap();
            let place = at.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(cut.index(bytes.len()) + 1);
            read_all(&Headers::default(), &bytes);
        }
    }

    #[test]
    fn arbitrary_headers_are_never_a_crash(values in vec((any::<prop::sample::Index>(), any::<String>()), 0..6)) {
        let mut headers = dead_headers(&sample::report(), DeadReason::Poison);
        for (which, value) in values {
            headers.set(header::ALL[which.index(header::ALL.len())], value);
        }
        prop_assert!(headers.iter().all(|(_, value)| !value.bytes().any(|b| b.is_ascii_control())));
        read_all(&headers, b"{\"model\":\"BAAI/bge.m3\",\"input\":1}");
    }
}
