//! The executors a worker has, by model.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "embed")]
use super::batch::Batching;
use super::contract::Executor;
use super::process::{Pool, PoolOptions};
use super::simulate::Simulate;
use crate::lifecycle::Lifecycle;
use crate::policy::{ExecutorKind, Model, Policy, ProcessRules};
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
    /// Its files are no such model, or its processes do not start.
    #[error("model {model}: {reason}")]
    Unusable {
        /// Which.
        model: ModelName,
        /// Why.
        reason: String,
    },
}

/// What the process that runs executors gives them.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    /// The files of the embedding model.
    pub model_dir: Option<&'a Path>,
    /// Tasks that may run at once in this process.
    pub slots: u32,
    /// The executable of Fairlane, which starts child processes.
    pub program: &'a Path,
    /// What they end with.
    pub lifecycle: &'a Lifecycle,
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

    /// One for every model of the policy, each ready to take a task. A soft stop ends the wait.
    ///
    /// # Errors
    /// [`RegistryError`] for the first that cannot be had; stop the lifecycle then.
    pub async fn for_policy(policy: &Policy, host: Host<'_>) -> Result<Self, RegistryError> {
        let mut executors = Self::new();
        let mut pools = Vec::new();
        for model in &policy.models {
            let executor = match &model.executor {
                ExecutorKind::Simulate => Arc::new(Simulate) as Arc<dyn Executor>,
                ExecutorKind::Embed => embed(model, host)?,
                ExecutorKind::Process(rules) => {
                    let pool = pool(&model.name, rules, host)?;
                    pools.push((&model.name, pool.clone()));
                    pool
                }
            };
            executors.add(&model.name, executor);
        }
        // All load at the same time.
        for (model, pool) in pools {
            tokio::select! {
                () = host.lifecycle.soft().cancelled() => break,
                started = pool.started() => started.map_err(|reason| RegistryError::unusable(model, reason))?,
            }
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

impl RegistryError {
    fn unusable(model: &ModelName, reason: impl ToString) -> Self {
        Self::Unusable {
            model: model.clone(),
            reason: reason.to_string(),
        }
    }
}

fn pool(model: &ModelName, rules: &ProcessRules, host: Host<'_>) -> Result<Arc<Pool>, RegistryError> {
    let options = PoolOptions {
        model,
        rules,
        slots: host.slots,
        program: host.program,
    };
    match Pool::start(options, host.lifecycle) {
        Ok(pool) => Ok(Arc::new(pool)),
        Err(error) => Err(RegistryError::unusable(model, error)),
    }
}

#[cfg(feature = "embed")]
fn embed(model: &Model, host: Host<'_>) -> Result<Arc<dyn Executor>, RegistryError> {
    let name = &model.name;
    let folder = host
        .model_dir
        .ok_or_else(|| RegistryError::NoFolder { model: name.clone() })?;
    let loaded = match super::embed::MiniLm::load(folder) {
        Ok(loaded) => super::embed::Embed::new(loaded),
        Err(error) => return Err(RegistryError::unusable(name, error)),
    };
    Ok(match model.batch.filter(|window| window.size_max > 1) {
        Some(window) => Arc::new(Batching::start(name, loaded, window, host.lifecycle)),
        None => Arc::new(loaded),
    })
}

#[cfg(not(feature = "embed"))]
fn embed(model: &Model, _: Host<'_>) -> Result<Arc<dyn Executor>, RegistryError> {
    Err(RegistryError::NotBuilt {
        model: model.name.clone(),
    })
}
