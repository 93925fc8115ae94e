//! Real handlers in Python, in a pool of the process executor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairlane::clock;
use fairlane::config::parse_policy;
use fairlane::executor::Job;
use fairlane::executor::process::{Pool, PoolOptions};
use fairlane::lifecycle::Lifecycle;
use fairlane::policy::{ExecutorKind, ProcessRules};
use fairlane::task::{ClassName, Lane, ModelName, Task, TaskId};
use serde_json::Value;

/// A policy file's model, and the pool that runs it.
pub(crate) struct Handler {
    rules: String,
}

impl Handler {
    /// The script `tests/it/handlers/NAME` with `arguments`, under more rules such as `, processes: 1`.
    pub(crate) fn script(name: &str, arguments: &[&str], rules: &str) -> Self {
        let path = script(name);
        let mut command = format!("python3, {:?}", path.to_str().expect("a path in UTF-8"));
        for argument in arguments {
            command.push_str(&format!(", {argument:?}"));
        }
        Self::command(&format!("[{command}]"), rules)
    }

    /// Any command, as YAML.
    pub(crate) fn command(command: &str, rules: &str) -> Self {
        Self {
            rules: format!("{{ command: {command}{rules} }}"),
        }
    }

    /// A policy with this model, called `m`: one class, three attempts in quick succession.
    pub(crate) fn policy(&self) -> String {
        format!(
            "
version: 1
lanes:
  core:   {{ concurrency: 256, timeout_ms: 60000, on_timeout: retry, ack_wait_ms: 1000, max_priority: 9 }}
  normal: {{ concurrency: 256, timeout_ms: 60000, ack_wait_ms: 1000 }}
classes:
  pay: {{ priority: 1, share: 1 }}
default_class: pay
models:
  m: {{ executor: process, process: {} }}
retry: {{ kind: fixed, base_ms: 1, factor: 1, max_ms: 1, jitter: none, max_attempts: 3 }}
",
            self.rules
        )
    }

    /// Its pool, which stops with `lifecycle`.
    pub(crate) fn pool(&self, slots: u32, lifecycle: &Lifecycle) -> Arc<Pool> {
        pool_of(&self.policy(), slots, lifecycle)
    }

    /// The same, with a process that is ready.
    pub(crate) async fn ready_pool(&self, slots: u32, lifecycle: &Lifecycle) -> Arc<Pool> {
        let pool = self.pool(slots, lifecycle);
        pool.started()
            .await
            .expect("python3 is in PATH and the handler starts");
        pool
    }
}

/// The pool of a policy's first model, which stops with `lifecycle`.
pub(crate) fn pool_of(policy: &str, slots: u32, lifecycle: &Lifecycle) -> Arc<Pool> {
    let policy = parse_policy("test.yaml", policy).unwrap_or_else(|faults| panic!("{faults}"));
    let model = &policy.models[0];
    let options = PoolOptions {
        model: &model.name,
        rules: rules_of(&model.executor),
        slots,
        program: Path::new(env!("CARGO_BIN_EXE_fairlane")),
    };
    Arc::new(Pool::start(options, lifecycle).expect("there is a thread for it"))
}

/// A task of the model `m` with `input`.
pub(crate) fn job(id: &str, input: Value) -> Job {
    let class = ClassName::new("pay").expect("a class");
    let (id, model) = (
        TaskId::new(id).expect("a task id"),
        ModelName::new("m").expect("a model"),
    );
    Job {
        task: Task::new(id, Lane::Core, class, model, clock::wall()),
        input,
        timeout_ms: 60_000,
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/handlers")
        .join(name)
}

fn rules_of(executor: &ExecutorKind) -> &ProcessRules {
    match executor {
        ExecutorKind::Process(rules) => rules,
        other => panic!("{other:?} is no process"),
    }
}
