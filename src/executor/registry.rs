//! The executors a worker has, by model.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, watch};

#[cfg(feature = "embed")]
use super::batch::Batching;
use super::contract::Executor;
use super::process::{Pool, PoolOptions};
use super::simulate::Simulate;
use crate::lifecycle::Lifecycle;
use crate::policy::{BatchWindow, ExecutorKind, Model, Policy, ProcessRules};
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
#[derive(Debug, Clone)]
pub struct Host {
    /// The files of the embedding model.
    pub model_dir: Option<PathBuf>,
    /// Tasks that may run at once in this process.
    pub slots: u32,
    /// The executable of Fairlane, which starts child processes.
    pub program: PathBuf,
    /// What they end with.
    pub lifecycle: Lifecycle,
}

/// The executors of one process. They follow its policy: clones share them.
#[derive(Clone, Default)]
pub struct Executors(Arc<Shared>);

#[derive(Default)]
struct Shared {
    by_token: ArcSwap<HashMap<ModelToken, Served>>,
    changes: watch::Sender<u64>,
    maker: Mutex<Option<Maker>>,
}

#[derive(Clone)]
struct Served {
    executor: Arc<dyn Executor>,
    /// What it was made for; another one is made when that changes. None where somebody gave it.
    made_for: Option<(ExecutorKind, Option<BatchWindow>)>,
}

/// Makes executors, and keeps what is dear to load.
struct Maker {
    host: Host,
    #[cfg(feature = "embed")]
    embed: Option<super::embed::Embed>,
}

impl Executors {
    /// None yet, and none that the policy could add.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `model` with `executor`.
    pub fn add(&mut self, model: &ModelName, executor: Arc<dyn Executor>) {
        let made_for = None;
        self.put(model.token(), Served { executor, made_for });
    }

    /// One for every model of the policy, each ready to take a task. A soft stop ends the wait.
    ///
    /// # Errors
    /// [`RegistryError`] for the first that cannot be had; stop the lifecycle then.
    pub async fn for_policy(policy: &Policy, host: Host) -> Result<Self, RegistryError> {
        let executors = Self::new();
        *executors.0.maker.lock().await = Some(Maker::new(host));
        match executors.refit(policy).await.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(executors),
        }
    }

    /// Makes executors for the models of another policy that are new or are run in another way now; says which cannot
    /// be had. A model keeps the executor it has until the new one is ready, and one that is not in the policy any
    /// more until it is [`forgotten`](Self::forget): tasks of it may be left. What runs ends where it began.
    pub async fn refit(&self, policy: &Policy) -> Vec<RegistryError> {
        let mut maker = self.0.maker.lock().await;
        let Some(maker) = maker.as_mut() else {
            return Vec::new();
        };
        let (mut errors, mut pools) = (Vec::new(), Vec::new());
        for model in policy.models.iter().filter(|model| !self.is_fit(model)) {
            let made = match &model.executor {
                ExecutorKind::Simulate => Ok(Arc::new(Simulate) as Arc<dyn Executor>),
                ExecutorKind::Embed => maker.embed(model),
                ExecutorKind::Process(rules) => match pool(&model.name, rules, &maker.host) {
                    Ok(pool) => {
                        pools.push((model, pool));
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            match made {
                Ok(executor) => self.serve(model, executor),
                Err(error) => errors.push(error),
            }
        }
        // All load at the same time.
        for (model, pool) in pools {
            let started = tokio::select! {
                () = maker.host.lifecycle.soft().cancelled() => break,
                started = pool.started() => started,
            };
            match started {
                Ok(()) => self.serve(model, pool),
                Err(reason) => errors.push(RegistryError::unusable(&model.name, reason)),
            }
        }
        errors
    }

    /// The executor of a model.
    #[must_use]
    pub fn get(&self, model: &ModelToken) -> Option<Arc<dyn Executor>> {
        let by_token = self.0.by_token.load();
        by_token.get(model).map(|served| served.executor.clone())
    }

    /// Whether a model is served.
    #[must_use]
    pub fn has(&self, model: &ModelToken) -> bool {
        self.0.by_token.load().contains_key(model)
    }

    /// Every model that is served.
    #[must_use]
    pub fn models(&self) -> Vec<ModelToken> {
        self.0.by_token.load().keys().cloned().collect()
    }

    /// Serves a model no more.
    pub fn forget(&self, model: &ModelToken) {
        self.change(|by_token| drop(by_token.remove(model)));
    }

    /// Hears that other models are served, or in another way.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Whether no model is served.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.by_token.load().is_empty()
    }

    fn is_fit(&self, model: &Model) -> bool {
        let by_token = self.0.by_token.load();
        let served = by_token.get(&model.name.token());
        served.is_some_and(|served| {
            served
                .made_for
                .as_ref()
                .is_none_or(|made| *made == made_for(model))
        })
    }

    fn serve(&self, model: &Model, executor: Arc<dyn Executor>) {
        let made_for = Some(made_for(model));
        self.put(model.name.token(), Served { executor, made_for });
    }

    fn put(&self, model: ModelToken, served: Served) {
        self.change(|by_token| drop(by_token.insert(model.clone(), served.clone())));
    }

    fn change(&self, how: impl Fn(&mut HashMap<ModelToken, Served>)) {
        self.0.by_token.rcu(|now| {
            let mut next = HashMap::clone(now);
            how(&mut next);
            next
        });
        self.0.changes.send_modify(|count| *count += 1);
    }
}

/// What decides how a model is run.
fn made_for(model: &Model) -> (ExecutorKind, Option<BatchWindow>) {
    (model.executor.clone(), model.batch)
}

impl Maker {
    fn new(host: Host) -> Self {
        Self {
            host,
            #[cfg(feature = "embed")]
            embed: None,
        }
    }

    #[cfg(feature = "embed")]
    fn embed(&mut self, model: &Model) -> Result<Arc<dyn Executor>, RegistryError> {
        let name = &model.name;
        let loaded = match &self.embed {
            Some(loaded) => loaded.clone(),
            None => {
                let folder = self.host.model_dir.as_ref();
                let folder = folder.ok_or_else(|| RegistryError::NoFolder { model: name.clone() })?;
                let loaded = super::embed::MiniLm::load(folder);
                let loaded = loaded.map_err(|error| RegistryError::unusable(name, error))?;
                self.embed.insert(super::embed::Embed::new(loaded)).clone()
            }
        };
        Ok(match model.batch.filter(|window| window.size_max > 1) {
            Some(window) => Arc::new(Batching::start(name, loaded, window, &self.host.lifecycle)),
            None => Arc::new(loaded),
        })
    }

    #[cfg(not(feature = "embed"))]
    fn embed(&mut self, model: &Model) -> Result<Arc<dyn Executor>, RegistryError> {
        Err(RegistryError::NotBuilt {
            model: model.name.clone(),
        })
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

fn pool(model: &ModelName, rules: &ProcessRules, host: &Host) -> Result<Arc<Pool>, RegistryError> {
    let options = PoolOptions {
        model,
        rules,
        slots: host.slots,
        program: &host.program,
    };
    match Pool::start(options, &host.lifecycle) {
        Ok(pool) => Ok(Arc::new(pool)),
        Err(error) => Err(RegistryError::unusable(model, error)),
    }
}
