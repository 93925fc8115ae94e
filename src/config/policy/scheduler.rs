//! `scheduler`: the rule between classes and its parameters.

use super::kind::ABOVE_ZERO;
use super::note::Absent;
use super::section::Section;
use crate::scheduler::rules::{Between, FlowKey, Infeasible, MlfqRules, Rules, ScoreWeights};

const NUMBER_MAX: f64 = 1e9;
/// Rounds are counted, and a debt of a task should not cost billions of them.
const QUANTUM_MS_MIN: f64 = 0.001;
/// Of picks that pass over a head.
pub(super) const BYPASS_MAX: u32 = 1_000_000;
const FLOOR_MAX: f64 = 0.5;
const HORIZON_MS: std::ops::RangeInclusive<f64> = 1.0..=604_800_000.0;
const LEVELS: std::ops::RangeInclusive<u32> = 2..=16;
const BOOST_MS: std::ops::RangeInclusive<u64> = 100..=86_400_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Weighted,
    Fifo,
    Strict,
    Edf,
    Aging,
    Score,
    Mlfq,
}

const WORDS: [(&str, Word); 7] = [
    ("weighted", Word::Weighted),
    ("fifo", Word::Fifo),
    ("strict", Word::Strict),
    ("edf", Word::Edf),
    ("aging", Word::Aging),
    ("score", Word::Score),
    ("mlfq", Word::Mlfq),
];

/// `scheduler`. The parameters of every rule are read and checked, also of those that are not chosen: a document can
/// change its rule by one word.
pub(super) fn read(document: &mut Section<'_>) -> Rules {
    let defaults = Rules::default();
    let mut section = document.child("scheduler");
    let word = section.word("between", &WORDS, Some(Word::Weighted));
    let floor = strict(&mut section);
    let infeasible = edf(&mut section);
    let (weights, levels) = (score(&mut section), mlfq(&mut section));
    let rules = Rules {
        between: match word {
            Word::Weighted => Between::Weighted,
            Word::Fifo => Between::Fifo,
            Word::Strict => Between::Strict { floor },
            Word::Edf => Between::Edf { infeasible },
            Word::Aging => Between::Aging,
            Word::Score => Between::Score(weights),
            Word::Mlfq => Between::Mlfq(levels),
        },
        quantum_ms: section.f64("quantum", QUANTUM_MS_MIN..=NUMBER_MAX, Some(defaults.quantum_ms)),
        bypass_max: section.u32_or_none("bypass_max", 1..=BYPASS_MAX, Absent::Is(defaults.bypass_max)),
    };
    section.close(&[]);
    rules
}

fn strict(scheduler: &mut Section<'_>) -> f64 {
    let mut section = scheduler.child("strict");
    let floor = section.f64("floor", 0.0..=FLOOR_MAX, Some(Between::FLOOR));
    section.close(&[]);
    floor
}

fn edf(scheduler: &mut Section<'_>) -> Infeasible {
    let words = [
        ("serve", Infeasible::Serve),
        ("drop", Infeasible::Drop),
        ("park", Infeasible::Park),
    ];
    let mut section = scheduler.child("edf");
    let infeasible = section.word("infeasible", &words, Some(Infeasible::Drop));
    section.close(&[]);
    infeasible
}

fn score(scheduler: &mut Section<'_>) -> ScoreWeights {
    let defaults = ScoreWeights::default();
    let mut section = scheduler.child("score");
    let weights = ScoreWeights {
        urgency: section.f64("urgency", 0.0..=1.0, Some(defaults.urgency)),
        business: section.f64("business", 0.0..=1.0, Some(defaults.business)),
        time: section.f64("time", 0.0..=1.0, Some(defaults.time)),
        horizon_ms: section.f64("horizon_ms", HORIZON_MS, Some(defaults.horizon_ms)),
    };
    if weights.urgency + weights.business + weights.time == 0.0 && !section.faults.touched(section.path()) {
        let what = "weighs nothing; give urgency, business or time a weight above 0".to_owned();
        section.faults.add(section.path(), what);
    }
    section.close(&[]);
    weights
}

fn mlfq(scheduler: &mut Section<'_>) -> MlfqRules {
    let defaults = MlfqRules::default();
    let words = [("tenant", FlowKey::Tenant), ("session", FlowKey::Session)];
    let mut section = scheduler.child("mlfq");
    let rules = MlfqRules {
        by: section.word("by", &words, Some(defaults.by)),
        quantum_ms: section.f64("quantum_ms", ABOVE_ZERO..=NUMBER_MAX, Some(defaults.quantum_ms)),
        levels: section.u32("levels", LEVELS, Some(defaults.levels)),
        boost_ms: section.u64("boost_ms", BOOST_MS, Some(defaults.boost_ms)),
    };
    section.close(&[]);
    rules
}
