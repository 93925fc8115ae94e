//! What one choice costs: a pick, its charge, and the queue's next head, among so many queues that all have tasks.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fairlane::scheduler::credit::Standing;
use fairlane::scheduler::facts::{Flow, Head, QueueId};
use fairlane::scheduler::picker::{Picker, Sight};
use fairlane::scheduler::rules::{Between, ClassTerms, Infeasible, MlfqRules, Rules, ScoreWeights};
use fairlane::task::Moment;

const QUEUES: [usize; 4] = [16, 256, 1024, 4096];
const RULES: [Between; 7] = [
    Between::Fifo,
    Between::Strict {
        floor: Between::FLOOR,
    },
    Between::Weighted,
    Between::Edf {
        infeasible: Infeasible::Drop,
    },
    Between::Aging,
    Between::Score(ScoreWeights::DEFAULT),
    Between::Mlfq(MlfqRules::DEFAULT),
];
/// How far time moves on with each pick.
const STEP: Duration = Duration::from_micros(100);
const COST_MS: f64 = 5.0;

/// Numbers that look random and are the same in every run (splitmix64).
fn dice(at: u64) -> u64 {
    let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

fn head(since: Moment, at: u64) -> Head {
    let part = |shift: u32| (dice(at) >> shift & 0xff) as f64 / 25.5;
    Head {
        deadline: Some(since + Duration::from_millis(dice(at) % 60_000)),
        flow: Some(Flow(dice(at) % 64)),
        urgency: part(8),
        business_weight: part(16),
        ..Head::arrived(since)
    }
}

/// Queues of a class each, all with tasks that came in the last minute.
fn picker(between: Between, queues: usize, now: Moment) -> Picker {
    let mut picker = Picker::new(Rules {
        between,
        ..Rules::default()
    });
    for at in 0..queues {
        let class = picker.add_class(ClassTerms::new(
            1.0 + (dice(at as u64) % 40) as f64,
            (at % 5) as u32,
        ));
        let queue = picker.add_queue(class, (at % 2) as u32, COST_MS);
        let waits = Duration::from_millis(dice(at as u64) % 60_000);
        let since = Moment(now.0.saturating_sub(waits));
        picker.stand(queue, Standing::Ready, Some(head(since, at as u64)), now);
    }
    picker
}

fn pick(c: &mut Criterion) {
    for between in RULES {
        let mut group = c.benchmark_group(between.as_str());
        for queues in QUEUES {
            let (mut now, mut number) = (Moment(Duration::from_secs(3600)), 0_u64);
            let mut picker = picker(between, queues, now);
            group.bench_function(BenchmarkId::from_parameter(queues), |bencher| {
                bencher.iter(|| {
                    now = now + STEP;
                    number += 1;
                    let picked: QueueId = picker.pick(Sight::Heads, now).expect("all have tasks");
                    picker.charge(picked, COST_MS);
                    picker.stand(picked, Standing::Ready, Some(head(now, number)), now);
                    black_box(picked)
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = pick
}
criterion_main!(benches);
