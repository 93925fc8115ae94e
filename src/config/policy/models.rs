//! `models`: what tasks may name, and what runs it.

use std::collections::BTreeMap;

use super::kind::{ABOVE_ZERO, Kind, Names};
use super::note::Absent;
use super::process;
use super::rate;
use super::section::Section;
use crate::policy::{BatchWindow, CostUnit, ExecutorKind, Model};
use crate::task::ModelName;

const NAMES: Names = Names {
    noun: "model",
    placeholder: "NAME",
    is_required: true,
    length_max: Some(ModelName::MAX_LEN),
    letters: None,
};
const COST_MAX: f64 = 1e9;
const WINDOW_MS_MAX: u64 = 60_000;
const BATCH_SIZE_MAX: u32 = 4_096;
const BATCH_TOKENS_MAX: u32 = 16_777_216;
/// 32 texts of the full length that the embedding model reads.
const BATCH_TOKENS: u32 = 8_192;

/// The models with legal names, in document order.
pub(super) fn read(document: &mut Section<'_>) -> Vec<Model> {
    let section = document.child_of("models", Kind::Names(&NAMES), Absent::Required);
    let faults = section.faults;
    let (mut models, mut tokens) = (Vec::new(), BTreeMap::new());
    if section.is_empty() && !faults.touched(section.path()) {
        faults.add(
            section.path(),
            "has no model; give at least one: NAME: { executor: embed }".to_owned(),
        );
    }
    for (name, at, node) in section.entries() {
        let mut model = section.named(&NAMES, name, node);
        let name = match ModelName::new(name) {
            Ok(name) => Some(name),
            Err(error) => {
                faults.add_at(model.path(), *at, format!("is no model name: {error}"));
                None
            }
        };
        if let Some(name) = &name
            && let Some(twin) = tokens.insert(name.token(), name.clone())
        {
            let what = format!(
                "travels as {}, like {:?}; rename one of the two",
                twin.token(),
                twin.as_str()
            );
            faults.add_at(model.path(), *at, what);
        }
        models.extend(one(&mut model, name));
        model.close(&[]);
    }
    models
}

/// Reads the whole model even where its name is none, for the faults in it.
fn one(section: &mut Section<'_>, name: Option<ModelName>) -> Option<Model> {
    let executor = executor(section);
    let mut cost = section.child("cost");
    let cost_unit = cost.word("unit", &[("ms", CostUnit::Ms)], Some(CostUnit::Ms));
    let cost_initial = cost.f64("initial", ABOVE_ZERO..=COST_MAX, Some(20.0));
    cost.close(&[]);
    let batch = batch(section);
    let rate = rate::read(section);
    Some(Model {
        name: name?,
        executor,
        cost_unit,
        cost_initial,
        batch,
        rate,
    })
}

fn executor(section: &mut Section<'_>) -> ExecutorKind {
    #[derive(Clone, Copy, PartialEq)]
    enum Word {
        Embed,
        Process,
        Simulate,
    }
    let words = [
        ("embed", Word::Embed),
        ("process", Word::Process),
        ("simulate", Word::Simulate),
    ];
    let word = section.word("executor", &words, None);
    let faults = section.faults;
    let unclear = faults.touched(&section.path_of("executor"));
    let path = section.path_of("process");
    match (word, section.take("process")) {
        (Word::Process, None) => {
            let what = "is missing; give { command: [PROGRAM, ARGUMENT…] }, which the executor process needs";
            faults.add(&path, what.to_owned());
        }
        (Word::Process, Some(_)) => return ExecutorKind::Process(process::read(section)),
        (_, Some(_)) if unclear => drop(process::read(section)),
        (_, Some(node)) => {
            let what = "is for the executor process alone; leave it out, or say executor: process";
            faults.add_at(&path, node.at, what.to_owned());
        }
        (_, None) => {}
    }
    match word {
        Word::Embed => ExecutorKind::Embed,
        // With its fault; this stand-in reaches no policy.
        Word::Process | Word::Simulate => ExecutorKind::Simulate,
    }
}

fn batch(section: &mut Section<'_>) -> Option<BatchWindow> {
    let mut batch = section.child_or_none("batch")?;
    let window = BatchWindow {
        window_ms: batch.u64("window_ms", 0..=WINDOW_MS_MAX, Some(10)),
        size_max: batch.u32("size_max", 1..=BATCH_SIZE_MAX, Some(32)),
        tokens_max: batch.u32_or_none("tokens_max", 1..=BATCH_TOKENS_MAX, Absent::Is(Some(BATCH_TOKENS))),
    };
    batch.close(&[]);
    Some(window)
}
