//! Tasks on the embedding model: a text or a list of texts in, vectors out.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::error::told;
use super::minilm::{Embedding, MiniLm, Tokens};
use crate::executor::batch::{Answer, Model, Prepared, Refusal};
use crate::executor::contract::{Executor, Job, Outcome};
use crate::task::ErrorKind;

/// Texts in one task at most; more would hold a slot for seconds. Send more tasks instead.
const TEXTS_MAX: usize = 256;

/// One loaded model: an executor that runs each task by itself, or a model whose runs tasks share.
#[derive(Clone)]
pub struct Embed {
    model: Arc<MiniLm>,
}

/// The texts of one task.
pub struct Texts {
    texts: Vec<Tokens>,
    /// Given as a text, not as a list.
    single: bool,
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
            let (embed, input, cancel) = (self.clone(), job.input.clone(), cancel.clone());
            let computed = tokio::task::spawn_blocking(move || {
                // A run cannot be stopped half-way: look once before it starts.
                if cancel.is_cancelled() {
                    return Outcome::failed(ErrorKind::Cancelled, "cancelled");
                }
                embed.alone(&input)
            });
            computed.await.unwrap_or_else(|error| {
                Outcome::failed(ErrorKind::Retryable, format!("the model crashed: {error}"))
            })
        })
    }
}

impl Embed {
    fn alone(&self, input: &Value) -> Outcome {
        let item = match self.prepare(input) {
            Ok(prepared) => prepared.item,
            Err(refusal) => return Outcome::failed(refusal.kind, refusal.message),
        };
        match self.run(&[item]).map(|mut answers| answers.pop()) {
            Ok(Some(Answer { output, usage })) => Outcome::Completed { output, usage },
            Ok(None) => Outcome::failed(ErrorKind::Retryable, "the model gave no answer"),
            Err(why) => Outcome::failed(ErrorKind::Retryable, why),
        }
    }
}

impl Model for Embed {
    type Item = Texts;

    fn prepare(&self, input: &Value) -> Result<Prepared<Texts>, Refusal> {
        let texts = texts(input).map_err(|message| Refusal {
            kind: ErrorKind::Permanent,
            message,
        })?;
        let texts = self.model.tokens(&texts).map_err(|error| Refusal {
            kind: ErrorKind::Retryable,
            message: told(&error),
        })?;
        let tokens: usize = texts.iter().map(Tokens::count).sum();
        let single = input.is_string();
        Ok(Prepared {
            item: Texts { texts, single },
            tokens: tokens as u64,
            shape: 0,
        })
    }

    fn run(&self, items: &[Texts]) -> Result<Vec<Answer>, String> {
        let texts: Vec<&Tokens> = items.iter().flat_map(|item| &item.texts).collect();
        let embeddings = self.model.embed_tokens(&texts).map_err(|error| told(&error))?;
        let mut embeddings = embeddings.into_iter();
        Ok(items
            .iter()
            .map(|item| answer(embeddings.by_ref().take(item.texts.len()), item.single))
            .collect())
    }
}

fn texts(input: &Value) -> Result<Vec<&str>, String> {
    let not_text = || "input of an embedding model: give a text or a list of texts".to_owned();
    match input {
        Value::String(text) => Ok(vec![text]),
        Value::Array(items) if items.len() > TEXTS_MAX => Err(format!(
            "input of an embedding model: {} texts, at most {TEXTS_MAX} are allowed",
            items.len()
        )),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().ok_or_else(not_text))
            .collect(),
        _ => Err(not_text()),
    }
}

fn answer(embeddings: impl Iterator<Item = Embedding>, single: bool) -> Answer {
    let (mut tokens, mut vectors) = (0, Vec::new());
    for embedding in embeddings {
        tokens += embedding.tokens;
        vectors.push(json!(embedding.vector));
    }
    let output = if single {
        json!({ "embedding": vectors.pop() })
    } else {
        json!({ "embeddings": vectors })
    };
    Answer {
        output,
        usage: json!({ "tokens": tokens }),
    }
}
