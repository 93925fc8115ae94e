//! The course of the demo: start a mesh, send every class at once, wait for all, search.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::material::{Paraphrase, Sentence, paraphrases, sentences};
use super::report::{ClassReport, Report, Search, quantile};
use crate::broker::Broker;
use crate::broker::publish::Original;
use crate::cli::exit::Exit;
use crate::cli::flags;
use crate::cli::role::dev::start_server;
use crate::cli::role::process::THIS_PROGRAM;
use crate::cli::session::Session;
use crate::clock;
use crate::config::{LivePolicy, Raw, default_policy};
use crate::coordinator::CallbackOptions;
use crate::dev::{Mesh, MeshOptions};
use crate::executor::{Executors, Host};
use crate::lifecycle::{Lifecycle, on_signals};
use crate::metrics::Exposition;
use crate::policy::Policy;
use crate::task::{ClassName, Lane, Task, TaskId};
use crate::wire::ResultRecord;

/// One worker with two slots: few enough that the classes have to wait for each other.
const SLOTS: u32 = 2;
/// How long one task may take to come back before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long the mesh may take to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Results asked for at once.
const WAITS: usize = 512;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    server: flags::Server,
    /// Folder of model files [env: FAIRLANE_MODEL_DIR]
    #[arg(long, value_name = "DIR")]
    model_dir: Option<String>,
}

impl Args {
    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        self.server.fill(raw);
        raw.model_dir.clone_from(&self.model_dir);
    }
}

pub(in crate::cli) async fn run(session: &Session) -> anyhow::Result<Exit> {
    Exposition::install()?;
    let policy = Arc::new(default_policy());
    let lifecycle = Lifecycle::new();
    let host = Host {
        model_dir: session.settings.model_dir.clone(),
        slots: SLOTS,
        program: PathBuf::from(THIS_PROGRAM),
        lifecycle: lifecycle.clone(),
    };
    let executors = Executors::for_policy(&policy, host).await?;
    let server = start_server(session, None, None).await?;
    on_signals(&lifecycle)?;
    let options = MeshOptions {
        nats_url: vec![server.url().to_owned()],
        nats_creds: None,
        policy: LivePolicy::fixed(default_policy()),
        coordinator: CallbackOptions::default().into(),
        executors,
        workers: 1,
        slots: SLOTS,
        name: "demo".to_owned(),
    };
    let shown = async {
        let mesh = Mesh::start(options, &lifecycle).await?;
        tokio::select! {
            report = show(&mesh.broker, &policy) => report,
            () = lifecycle.soft().cancelled() => bail!("stopped before every task was back"),
        }
    };
    let report = shown.await;
    lifecycle.stop(GRACE).await;
    server.stop().await;
    let report = report?;
    session.output.line(&report, Report::text)?;
    Ok(if report.is_good() { Exit::Ok } else { Exit::Error })
}

async fn show(broker: &Broker, policy: &Policy) -> anyhow::Result<Report> {
    let begun = clock::monotonic();
    let sentences = sentences();
    let tasks: Vec<Task> = sentences
        .iter()
        .enumerate()
        .map(|(n, sentence)| task(policy, &format!("demo-{n}"), sentence.class))
        .collect::<Result<_, _>>()?;
    let bar = progress(tasks.len() as u64);
    let all = tasks
        .iter()
        .zip(&sentences)
        .map(|(task, sentence)| submit(broker, task, sentence.text));
    futures_util::future::try_join_all(all).await?;
    let records: Vec<Option<ResultRecord>> = stream::iter(&tasks)
        .map(|task| async {
            let found = broker.wait_for_result(&task.id, PATIENCE).await;
            bar.inc(1);
            found.map(|found| found.map(|stored| stored.record))
        })
        .buffered(WAITS)
        .try_collect()
        .await?;
    bar.finish_and_clear();
    let wall_ms = clock::monotonic().since(begun).as_millis() as u64;
    let search = search(broker, policy, &sentences, &records).await?;
    Ok(report(policy, &sentences, &records, search, wall_ms))
}

fn task(policy: &Policy, id: &str, class: &str) -> anyhow::Result<Task> {
    let model = policy.models[0].name.clone();
    Ok(Task::new(
        TaskId::new(id)?,
        Lane::Core,
        ClassName::new(class)?,
        model,
        clock::wall(),
    ))
}

async fn submit(broker: &Broker, task: &Task, text: &str) -> anyhow::Result<()> {
    let body = json!({ "task_id": task.id.as_str(), "model": task.model.as_str(), "input": text });
    broker
        .publish_task(task, &Original::new(body.to_string().into()))
        .await?;
    Ok(())
}

/// Embeds the paraphrases through the mesh as well, and looks for the nearest sentence.
async fn search(
    broker: &Broker,
    policy: &Policy,
    sentences: &[Sentence],
    records: &[Option<ResultRecord>],
) -> anyhow::Result<Vec<Search>> {
    let vectors: Vec<Option<Vec<f32>>> = records.iter().map(|r| r.as_ref().and_then(vector)).collect();
    let one = |(n, paraphrase): (usize, Paraphrase)| {
        let vectors = &vectors;
        async move {
            let task = task(policy, &format!("demo-search-{n}"), sentences[0].class)?;
            submit(broker, &task, paraphrase.text).await?;
            let found = broker.wait_for_result(&task.id, PATIENCE).await?;
            let query = found.and_then(|stored| vector(&stored.record));
            let query = query.with_context(|| format!("no embedding of {:?} came back", paraphrase.text))?;
            let nearest = sentences
                .iter()
                .zip(vectors)
                .filter_map(|(s, v)| Some((s.text, cosine(&query, v.as_ref()?))))
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .context("no embeddings to search")?;
            anyhow::Ok(Search {
                query: paraphrase.text.to_owned(),
                found: nearest.0.to_owned(),
                cosine: nearest.1,
                correct: nearest.0 == paraphrase.of,
            })
        }
    };
    futures_util::future::try_join_all(paraphrases().into_iter().enumerate().map(one)).await
}

fn vector(record: &ResultRecord) -> Option<Vec<f32>> {
    let numbers = record.output.get("embedding")?.as_array()?;
    numbers.iter().map(|n| n.as_f64().map(|n| n as f32)).collect()
}

/// Of unit vectors the dot product is the cosine.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn report(
    policy: &Policy,
    sentences: &[Sentence],
    records: &[Option<ResultRecord>],
    search: Vec<Search>,
    wall_ms: u64,
) -> Report {
    let mut classes = BTreeMap::new();
    for class in &policy.classes {
        let of_class = || {
            sentences
                .iter()
                .zip(records)
                .filter(|(s, _)| s.class == class.name.as_str())
        };
        let done: Vec<&ResultRecord> = of_class()
            .filter_map(|(_, r)| r.as_ref())
            .filter(|r| r.error.is_none())
            .collect();
        let sorted = |of: fn(&ResultRecord) -> u64| {
            let mut values: Vec<u64> = done.iter().map(|r| of(r)).collect();
            values.sort_unstable();
            values
        };
        let waits = sorted(|r| r.queued_ms);
        classes.insert(
            class.name.to_string(),
            ClassReport {
                share: class.share,
                submitted: of_class().count(),
                completed: done.len(),
                wait_ms_p50: quantile(&waits, 0.5),
                wait_ms_p99: quantile(&waits, 0.99),
                exec_ms_p50: quantile(&sorted(|r| r.exec_ms), 0.5),
            },
        );
    }
    let completed = classes.values().map(|c| c.completed).sum();
    let lost = records.iter().filter(|r| r.is_none()).count();
    Report {
        submitted: sentences.len(),
        completed,
        lost,
        classes,
        search,
        wall_ms,
    }
}

/// Drawn on a terminal only.
fn progress(tasks: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} embeddings back");
    let bar = ProgressBar::new(tasks);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
