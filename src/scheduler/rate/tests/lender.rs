//! What is lent: never over the rate, whoever comes and goes, and all of it where all of it is wanted.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Account, LOAN, Lender, Lent, Meter, Plea, Purse, Rate, Rates, Settled, Want};
use super::time::at_ms;
use crate::task::ClassName;

fn meter() -> Meter {
    Meter::Class(ClassName::new("pay").unwrap())
}

pub(super) fn rates(rate: Rate) -> Rates {
    Rates {
        classes: BTreeMap::from([(ClassName::new("pay").unwrap(), rate)]),
        ..Rates::default()
    }
}

pub(super) fn wanted(tokens: u32) -> Want {
    Want {
        meter: meter(),
        tokens,
        waits: true,
    }
}

pub(super) fn plea(number: u64, want: u32) -> Plea {
    Plea {
        number,
        wants: vec![wanted(want)],
        accounts: Vec::new(),
    }
}

pub(super) fn tokens(answers: &[(String, Lent)]) -> BTreeMap<&str, u32> {
    let mut found = BTreeMap::new();
    for (who, lent) in answers {
        *found.entry(who.as_str()).or_default() += lent.tokens.iter().map(|(_, _, n)| n).sum::<u32>();
    }
    found
}

pub(super) const TEN: Rate = Rate {
    per_s: 10.0,
    burst: 4.0,
};

#[test]
fn nothing_is_lent_before_the_loans_of_another_lender_have_ended() {
    let mut lender = Lender::new(rates(TEN), 0, at_ms(0));
    let answers = lender.hear("a", &plea(1, 2), at_ms(500));
    assert_eq!(tokens(&answers), BTreeMap::from([("a", 0)]));
    assert_eq!(answers[0].1.dry, [(meter(), Duration::from_millis(600))]);
    lender.hear("a", &plea(2, 2), at_ms(1_050));
    assert_eq!(tokens(&lender.tick(at_ms(1_199))), BTreeMap::new());
    // Buckets are empty then, and fill at the rate.
    assert_eq!(tokens(&lender.tick(at_ms(1_200))), BTreeMap::from([("a", 1)]));
    assert_eq!(lender.next_deadline(at_ms(1_200)), Some(at_ms(1_300)));
}

#[test]
fn those_who_wait_are_served_evenly_and_in_turn() {
    let mut lender = Lender::new(rates(TEN), 0, at_ms(0));
    for who in ["a", "b", "c"] {
        assert_eq!(
            tokens(&lender.hear(who, &plea(1, 9), at_ms(1_100))),
            BTreeMap::from([(who, 0)])
        );
    }
    assert_eq!(
        tokens(&lender.tick(at_ms(1_401))),
        BTreeMap::from([("a", 1), ("b", 1), ("c", 1)])
    );
    assert_eq!(tokens(&lender.tick(at_ms(1_501))), BTreeMap::from([("a", 1)]));
    lender.hear("b", &plea(2, 0), at_ms(1_550));
    assert_eq!(
        tokens(&lender.tick(at_ms(1_601))),
        BTreeMap::new(),
        "all four are out"
    );
}

#[test]
fn what_is_given_back_goes_to_others_and_what_is_never_accounted_for_is_spent() {
    let mut lender = Lender::new(rates(TEN), 0, at_ms(0));
    let lent = lender.hear("a", &plea(1, 4), at_ms(9_000));
    let (_, loan, count) = lent[0].1.tokens[0].clone();
    assert_eq!(count, 4);
    assert_eq!(
        tokens(&lender.hear("b", &plea(1, 4), at_ms(9_001))),
        BTreeMap::from([("b", 0)])
    );
    let back = Plea {
        number: 2,
        wants: vec![wanted(0)],
        accounts: vec![Account {
            loan,
            spent: 1,
            ago: Duration::ZERO,
            back: 1,
        }],
    };
    assert_eq!(
        tokens(&lender.hear("a", &back, at_ms(9_002))),
        BTreeMap::from([("a", 0), ("b", 1)])
    );
    // Two are still out, with somebody who is never heard again; one was refilled.
    assert_eq!(
        tokens(&lender.hear("b", &plea(2, 4), at_ms(10_090))),
        BTreeMap::from([("b", 1)])
    );
    assert_eq!(
        tokens(&lender.hear("b", &plea(3, 3), at_ms(10_150))),
        BTreeMap::from([("b", 0)])
    );
    // All but the last of them are past their time now, and spent.
    assert_eq!(tokens(&lender.tick(at_ms(10_202))), BTreeMap::from([("b", 1)]));
}

#[test]
fn those_who_do_not_wait_are_told_to_come_one_after_the_other() {
    let mut lender = Lender::new(rates(TEN), 0, at_ms(0));
    let asks = Plea {
        wants: vec![Want {
            waits: false,
            ..wanted(2)
        }],
        ..plea(1, 0)
    };
    assert_eq!(
        tokens(&lender.hear("first", &asks, at_ms(1_301))),
        BTreeMap::from([("first", 2)])
    );
    for (who, ms) in [("a", 99), ("b", 199), ("c", 299)] {
        let answers = lender.hear(who, &asks, at_ms(1_301));
        assert_eq!(answers[0].1.dry, [(meter(), Duration::from_millis(ms))], "{who}");
    }
    assert_eq!(lender.next_deadline(at_ms(1_301)), None, "nobody waits");
    assert_eq!(
        tokens(&lender.hear("d", &plea(1, 1), at_ms(1_401))),
        BTreeMap::from([("d", 1)])
    );
}

#[test]
fn what_has_no_rate_here_is_not_limited_here() {
    let mut lender = Lender::new(Rates::default(), 0, at_ms(0));
    assert_eq!(
        tokens(&lender.hear("a", &plea(1, 1_000), at_ms(1))),
        BTreeMap::from([("a", 1_000)])
    );
}

/// A message that arrives at a time.
type Post<T> = VecDeque<(u64, T)>;

/// A worker that starts a task as soon as it has a token and has asked for the task for long enough.
struct Worker {
    name: String,
    purse: Purse,
    number: u64,
    sent: BTreeMap<u64, u64>,
    told: u32,
    next_plea_ms: u64,
    up: Post<Plea>,
    down: Post<Lent>,
    /// When each token that was lent is used.
    uses: Vec<u64>,
}

#[derive(Debug, Clone)]
struct Chances {
    rate: Rate,
    workers: u64,
    want: u32,
    delay_ms: u64,
    use_ms: u64,
    /// In a thousand: messages lost, workers that die per s, leaders that die per 10 s.
    lost: u64,
    dies: u64,
    deposed: u64,
    seed: u64,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

impl Worker {
    fn new(name: String) -> Self {
        Self {
            name,
            purse: Purse::default(),
            number: 0,
            sent: BTreeMap::new(),
            told: 0,
            next_plea_ms: 0,
            up: Post::new(),
            down: Post::new(),
            uses: Vec::new(),
        }
    }

    /// Hears answers, starts tasks, asks for more; the starts.
    fn step(&mut self, ms: u64, of: &Chances, dice: &mut Dice) -> u32 {
        while self.down.front().is_some_and(|(at, _)| *at <= ms) {
            let Some((_, lent)) = self.down.pop_front() else {
                break;
            };
            let Some(sent) = self.sent.get(&lent.number) else {
                continue;
            };
            for (_, loan, count) in lent.tokens {
                self.purse.put(loan, count, at_ms(ms), at_ms(*sent) + LOAN);
                self.told = self.told.saturating_sub(count);
                self.uses
                    .extend((0..count).map(|_| ms + dice.below(of.use_ms + 1)));
            }
        }
        let due = self.uses.iter().filter(|at| **at <= ms).count();
        self.uses.retain(|at| *at > ms);
        let started = (0..due).filter(|_| self.purse.spend(at_ms(ms))).count() as u32;
        if (self.told == 0 || ms >= self.next_plea_ms || started > 0) && ms.is_multiple_of(2) {
            self.plead(ms, of, dice);
        }
        started
    }

    fn plead(&mut self, ms: u64, of: &Chances, dice: &mut Dice) {
        let accounts = self.purse.settle(self.uses.len() as u32, at_ms(ms));
        let account = |settled: &Settled| Account {
            loan: settled.loan,
            spent: settled.spent,
            ago: at_ms(ms).since(settled.last),
            back: settled.back,
        };
        self.number += 1;
        self.sent.insert(self.number, ms);
        self.told = of.want;
        self.next_plea_ms = ms + 300;
        let plea = Plea {
            accounts: accounts.iter().map(account).collect(),
            ..plea(self.number, of.want)
        };
        if dice.below(1_000) >= of.lost {
            let last = self.up.back().map_or(0, |(at, _)| *at);
            self.up
                .push_back((last.max(ms + dice.below(of.delay_ms + 1)), plea));
        }
    }
}

/// When tasks started, over `for_ms`.
fn starts(of: &Chances, for_ms: u64) -> Vec<u64> {
    let mut dice = Dice(of.seed);
    let mut lender = Lender::new(rates(of.rate), 0, at_ms(0));
    let mut workers: Vec<Worker> = (0..of.workers).map(|n| Worker::new(format!("w{n}"))).collect();
    let (mut starts, mut born, mut leads) = (Vec::new(), of.workers, 1_u64);
    for ms in 0..for_ms {
        if dice.below(10_000_000) < of.deposed {
            lender = Lender::new(rates(of.rate), leads << 32, at_ms(ms));
            leads += 1;
        }
        let mut answers = Vec::new();
        for worker in &mut workers {
            if dice.below(1_000_000) < of.dies {
                born += 1;
                *worker = Worker::new(format!("w{born}"));
            }
            let count = worker.step(ms, of, &mut dice);
            starts.extend((0..count).map(|_| ms));
            while worker.up.front().is_some_and(|(at, _)| *at <= ms) {
                let Some((_, plea)) = worker.up.pop_front() else {
                    break;
                };
                answers.extend(lender.hear(&worker.name, &plea, at_ms(ms)));
            }
        }
        answers.extend(lender.tick(at_ms(ms)));
        for (who, lent) in answers {
            let worker = workers.iter_mut().find(|worker| worker.name == who);
            if let Some(worker) = worker.filter(|_| dice.below(1_000) >= of.lost) {
                let last = worker.down.back().map_or(0, |(at, _)| *at);
                worker
                    .down
                    .push_back((last.max(ms + dice.below(of.delay_ms + 1)), lent));
            }
        }
    }
    starts
}

/// The most tokens that were owed at once: as a bucket that leaks at the rate would hold.
fn most_owed(rate: Rate, starts: &[u64]) -> f64 {
    let (mut owed, mut last, mut most) = (0.0_f64, 0, 0.0_f64);
    for ms in starts {
        owed = (owed - rate.per_s * (ms - last) as f64 / 1000.0).max(0.0) + 1.0;
        (last, most) = (*ms, most.max(owed));
    }
    most
}

fn chances() -> impl Strategy<Value = Chances> {
    let load = (1_u64..12, 1_u32..8, 0_u64..8, 0_u64..60);
    let luck = (0_u64..50, 0_u64..500, 0_u64..1_000, any::<u64>());
    (2.0_f64..300.0, 1.0_f64..30.0, load, luck).prop_map(|(per_s, burst, load, luck)| Chances {
        rate: Rate { per_s, burst },
        workers: load.0,
        want: load.1,
        delay_ms: load.2,
        use_ms: load.3,
        lost: luck.0,
        dies: luck.1,
        deposed: luck.2,
        seed: luck.3,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn starts_are_within_one_burst_whoever_comes_and_goes(of in chances()) {
        let starts = starts(&of, 8_000);
        let most = most_owed(of.rate, &starts);
        prop_assert!(most <= of.rate.burst + 1e-6, "{} owed of {}", most, of.rate.burst);
    }
}

#[test]
fn nearly_all_tokens_are_used_where_all_are_wanted() {
    for workers in [1, 4, 16] {
        let of = Chances {
            rate: Rate {
                per_s: 50.0,
                burst: 10.0,
            },
            workers,
            want: 4,
            delay_ms: 3,
            use_ms: 5,
            lost: 0,
            dies: 0,
            deposed: 0,
            seed: 7,
        };
        let starts = starts(&of, 21_100);
        let used = starts.len() as f64 / (50.0 * 20.0);
        assert!(used >= 0.97, "{workers} workers used {used}");
        assert!(most_owed(of.rate, &starts) <= 10.0 + 1e-6);
    }
}
