//! Tasks on the embedding model: a text or a list of texts in, vectors out.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::minilm::{Embedding, MiniLm};
use crate::executor::contract::{Executor, Job, Outcome};
use crate::task::ErrorKind;

/// Texts in one task at most; more would hold a slot for seconds. Send more tasks instead.
const TEXTS_MAX: usize = 256;

/// The executor of one loaded model.
pub struct Embed {
    model: Arc<MiniLm>,
}

impl Embed {
    /// Serves `model`.
    #[must_use]
    pub fn new(model: MiniLm) -> Self {
        Self {
            model: Arc::new(model),
        }
    }
}

impl Executor for Embed {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let texts = match texts(&job.input) {
                Ok(texts) => texts,
                Err(what) => return Outcome::failed(ErrorKind::Permanent, what),
            };
            let (model, cancel) = (self.model.clone(), cancel.clone());
            let single = job.input.is_string();
            let computed = tokio::task::spawn_blocking(move || {
                // A batch cannot be stopped half-way: look once before it starts.
                if cancel.is_cancelled() {
                    return Ok(Vec::new());
                }
                model.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>())
            });
            match computed.await {
                Ok(Ok(embeddings)) => answer(embeddings, single),
                Ok(Err(error)) => Outcome::failed(ErrorKind::Retryable, error.to_string()),
                Err(error) => Outcome::failed(ErrorKind::Retryable, format!("the model crashed: {error}")),
            }
        })
    }
}

fn texts(input: &Value) -> Result<Vec<String>, String> {
    let not_text = || "input of an embedding model: give a text or a list of texts".to_owned();
    match input {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(items) if items.len() > TEXTS_MAX => Err(format!(
            "input of an embedding model: {} texts, at most {TEXTS_MAX} are allowed",
            items.len()
        )),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(not_text))
            .collect(),
        _ => Err(not_text()),
    }
}

fn answer(embeddings: Vec<Embedding>, single: bool) -> Outcome {
    let tokens: usize = embeddings.iter().map(|e| e.tokens).sum();
    let usage = json!({ "tokens": tokens });
    let mut vectors: Vec<Value> = embeddings.into_iter().map(|e| json!(e.vector)).collect();
    let output = match (single, vectors.pop()) {
        (true, Some(vector)) => json!({ "embedding": vector }),
        (_, last) => {
            vectors.extend(last);
            json!({ "embeddings": vectors })
        }
    };
    Outcome::Completed { output, usage }
}
