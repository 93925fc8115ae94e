//! Views: the bytes of version 1, and what else may come.

use expect_test::{expect, expect_file};

use super::sample;
use crate::task::{EpochMs, Lane, Shard, fnv1a_64};
use crate::wire::{
    Arrival, Codec, HeadView, LaneView, Origin, QueueView, Worth, head_view, read_view, read_worth,
    task_headers, view_body, write_body,
};

fn view() -> LaneView {
    let route = sample::route();
    let head = HeadView {
        enqueued_at: sample::NOON,
        deadline: Some(sample::NOON.plus_ms(5000)),
        tenant: Some(0x0123_4567_89ab_cdef),
        session: Some(7),
        cost_ms: Some(12.5),
        urgency: Some(7.0),
        business_weight: Some(8.5),
    };
    let bare = HeadView::arrived(sample::NOON);
    let queue = |shard, head: Option<HeadView>| QueueView {
        route: crate::task::Route {
            shard: Shard::Stable(shard),
            ..route.clone()
        },
        depth: u64::from(shard) * 3,
        running: 2,
        limit: 20,
        is_paused: shard == 2,
        head,
    };
    LaneView {
        lane: route.lane,
        taken_at: sample::NOON.plus_ms(250),
        queues: vec![queue(0, None), queue(1, Some(head)), queue(2, Some(bare))],
    }
}

#[test]
fn a_view_is_written_as_it_always_was_and_reads_back() {
    let body = String::from_utf8(view_body(&view())).unwrap();
    expect_file!["../../../tests/golden/wire/view.json"].assert_eq(&body);
    assert_eq!(read_view(body.as_bytes()).unwrap(), view());
}

#[test]
fn fields_that_are_not_known_are_passed_over_and_a_limit_of_0_is_1() {
    let body = r#"{"version":1,"more":{},"lane":"core","taken_at":5,"queues":[
        {"class":"pay","model":"m","shard":"c3","depth":1,"running":0,"limit":0,"more":[1],"head":{"enqueued_at":4,"x":null}}]}"#;
    let read = read_view(body.as_bytes()).unwrap();
    assert_eq!((read.lane, read.taken_at), (Lane::Core, EpochMs(5)));
    let queue = &read.queues[0];
    assert_eq!(
        (queue.route.shard, queue.limit, queue.is_paused),
        (Shard::Canary(3), 1, false)
    );
    assert_eq!(queue.head.map(|head| head.enqueued_at), Some(EpochMs(4)));
}

#[test]
fn what_is_no_view_is_refused() {
    let queue = |class: &str, shard: &str, head: &str| {
        format!(
            r#"{{"version":1,"lane":"core","taken_at":5,"queues":[{{"class":"{class}","model":"m","shard":"{shard}",
            "depth":1,"running":0,"limit":3,"head":{head}}}]}}"#
        )
    };
    let told: String = [
        String::new(),
        r#"{"version":1,"lane":"slow","taken_at":5,"queues":[]}"#.to_owned(),
        queue("a b", "0", "null"),
        queue("pay", "x", "null"),
        queue("pay", "0", r#"{"enqueued_at":1,"tenant":"zz"}"#),
    ]
    .iter()
    .map(|body| format!("{}\n", read_view(body.as_bytes()).unwrap_err()))
    .collect();
    expect![[r#"
        the view cannot be read: EOF while parsing a value at line 1 column 0
        the view cannot be read: lane: "slow" is none
        the view cannot be read: queues.class: class has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed
        the view cannot be read: queues.shard: "x" is none
        the view cannot be read: queues.head.tenant: "zz" is none
    "#]]
    .assert_eq(&told);
    for body in ["[]".to_owned(), queue("pay", "0", r#"{"enqueued_at":"now"}"#)] {
        assert!(read_view(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_head_is_read_from_its_headers_and_what_it_is_worth_from_its_body() {
    let (route, task, headers) = (sample::route(), sample::task(), task_headers(&sample::task()));
    for codec in [Codec::Json, Codec::MessagePack] {
        let body = write_body(&sample::body(), codec).unwrap();
        let arrival = Arrival {
            route: &route,
            headers: &headers,
            body: &body,
            origin: Origin::Lane(1),
            stored_at: EpochMs(1),
        };
        let head = head_view(&arrival).with_worth(&headers, &body);
        assert_eq!(
            (head.enqueued_at, head.deadline),
            (task.enqueued_at, task.facts.deadline)
        );
        assert_eq!(
            (head.urgency, head.business_weight),
            (sample::body().urgency_score, sample::body().business_weight)
        );
        assert!(head.urgency.is_some() && head.business_weight.is_some());
        assert_eq!(head.tenant, Some(fnv1a_64(task.tenant.as_str().as_bytes())));
    }
}

#[test]
fn what_cannot_be_read_or_is_too_large_is_worth_nothing_in_particular() {
    let large = format!(r#"{{"urgency_score":7,"input":"{}"}}"#, "x".repeat(300_000));
    for body in ["", "{", r#"{"urgency_score":"high"}"#, "[7]", large.as_str()] {
        assert_eq!(
            read_worth(None, body.as_bytes()),
            Worth::default(),
            "{}",
            &body[..body.len().min(40)]
        );
    }
    let odd = read_worth(
        None,
        br#"{"input":{"urgency_score":1},"business_weight":3,"more":[]}"#,
    );
    assert_eq!((odd.urgency, odd.business_weight), (None, Some(3.0)));
}
