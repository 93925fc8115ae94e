//! What blocks: reading one input, and computing a batch. Nothing a model does gets out of here but as data.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::model::{Answer, Model, Prepared, Refusal};
use crate::task::ErrorKind;

/// Reads one input; a panic is a refusal of it.
pub(super) fn read<M: Model>(model: &M, input: &Value) -> Result<Prepared<M::Item>, Refusal> {
    let read = catch_unwind(AssertUnwindSafe(|| model.prepare(input)));
    read.unwrap_or_else(|panic| {
        Err(Refusal {
            kind: ErrorKind::Retryable,
            message: format!("the model crashed over the input: {}", words(&*panic)),
        })
    })
}

/// Computes a batch; where that fails, its halves, so that in the end only those fail on which it fails alone. That
/// takes at most twice as many runs as there are items, and helps where only the memory for all of them was short.
pub(super) fn run<M: Model>(model: &M, items: &[M::Item]) -> Vec<Result<Answer, String>> {
    let ran = catch_unwind(AssertUnwindSafe(|| model.run(items)));
    let failure = match ran {
        Ok(Ok(answers)) if answers.len() == items.len() => return answers.into_iter().map(Ok).collect(),
        Ok(Ok(answers)) => format!(
            "the model gave {} answers to {} inputs",
            answers.len(),
            items.len()
        ),
        Ok(Err(why)) => why,
        Err(panic) => format!("the model crashed: {}", words(&*panic)),
    };
    if items.len() <= 1 {
        return items.iter().map(|_| Err(failure.clone())).collect();
    }
    tracing::warn!(batch.tasks = items.len(), error = %failure, "a batch failed; running its halves");
    let (left, right) = items.split_at(items.len() / 2);
    let mut answers = run(model, left);
    answers.extend(run(model, right));
    answers
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it does not say why")
}
