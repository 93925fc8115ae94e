//! The executors a worker has, by model.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::contract::Executor;
use super::simulate::Simulate;
use crate::policy::{ExecutorKind, Policy};
use crate::task::{ModelName, ModelToken};

/// A model that a worker was to serve and cannot.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// This build has no such executor.
    #[error("model {model}: this build has no `embed` executor; build with `--features embed`")]
    NotBuilt {
        /// Which.
        model: ModelName,
    },
    /// Nobody said where the model's files are.
    #[error(
        "model {model}: its files are nowhere; run deploy/model/get-minilm.sh and set FAIRLANE_MODEL_DIR to \
         the folder it prints"
    )]
    NoFolder {
        /// Which.
        model: ModelName,
    },
    /// The files are no such model.
    #[error("model {model}: {reason}")]
    Unusable {
        /// Which.
        model: ModelName,
        /// Why.
        reason: String,
    },
}

/// The executors of one worker.
#[derive(Clone, Default)]
pub struct Executors {
    by_token: HashMap<ModelToken, Arc<dyn Executor>>,
}

impl Executors {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `model` with `executor`.
    pub fn add(&mut self, model: &ModelName, executor: Arc<dyn Executor>) {
        self.by_token.insert(model.token(), executor);
    }

    /// One for every model of the policy. `model_dir` holds the files of the embedding model.
    ///
    /// # Errors
    /// [`RegistryError`] for the first that cannot be had.
    pub fn for_policy(policy: &Policy, model_dir: Option<&Path>) -> Result<Self, RegistryError> {
        let mut executors = Self::new();
        for model in &policy.models {
            let executor = match &model.executor {
                ExecutorKind::Simulate => Arc::new(Simulate) as Arc<dyn Executor>,
                ExecutorKind::Process(_) => todo!(),
                ExecutorKind::Embed => embed(&model.name, model_dir)?,
            };
            executors.add(&model.name, executor);
        }
        Ok(executors)
    }

    /// The executor of a model.
    #[must_use]
    pub fn get(&self, model: &ModelToken) -> Option<&Arc<dyn Executor>> {
        self.by_token.get(model)
    }

    /// Whether no model is served.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_token.is_empty()
    }
}

#[cfg(feature = "embed")]
fn embed(model: &ModelName, folder: Option<&Path>) -> Result<Arc<dyn Executor>, RegistryError> {
    let folder = folder.ok_or_else(|| RegistryError::NoFolder { model: model.clone() })?;
    match super::embed::MiniLm::load(folder) {
        Ok(loaded) => Ok(Arc::new(super::embed::Embed::new(loaded))),
        Err(error) => Err(RegistryError::Unusable {
            model: model.clone(),
            reason: error.to_string(),
        }),
    }
}

#[cfg(not(feature = "embed"))]
fn embed(model: &ModelName, _: Option<&Path>) -> Result<Arc<dyn Executor>, RegistryError> {
    Err(RegistryError::NotBuilt { model: model.clone() })
}
