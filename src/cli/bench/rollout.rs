//! `bench rollout`: how soon is a harmful policy on trial found, and what becomes of one that is as good?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use serde_json::json;

use super::picture::svg;
use super::stage::{Stage, progress};
use crate::bench::{Harm, Harmful, Look, ROLLOUT_POLICY, RolloutRun, rollout_policy};
use crate::broker::Broker;
use crate::cli::exit::Exit;
use crate::cli::output::{Format, table};
use crate::cli::session::Session;
use crate::clock;
use crate::gateway::{Applying, Desk, Request, TrialStatus, Trying, apply, begin_trial, trial_status};
use crate::lifecycle::Lifecycle;
use crate::metrics::{Door, GatewayMetrics};
use crate::policy::rollout::Share;
use crate::policy::{LotBy, Reach};
use crate::task::Moment;

/// Workers, and slots of each: half busy.
const WORKERS: (u32, u32) = (10, 2);
/// How often it is looked how the rollout stands.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Before the rollout begins: the stable track is known then.
const WARM_UP: Duration = Duration::from_secs(3);
/// What was being submitted is answered within this time.
const SENT_WITHIN: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub(super) struct Args {
    /// What the candidate does to its tasks
    #[arg(long, default_value = "failures", value_name = "WHAT", value_parser = ["failures", "waits", "none"])]
    harm: String,
    /// Tasks per second
    #[arg(long, default_value_t = 400, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=5_000))]
    rate: u32,
    /// Parts of the tasks in each stage, in per cent
    #[arg(long, default_values_t = [10, 25, 50, 100], value_name = "PERCENT", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=100))]
    steps: Vec<u16>,
    /// No stage is shorter
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    stage: u32,
    /// How long it may take
    #[arg(long, default_value_t = 600, value_name = "S", value_parser = clap::value_parser!(u32).range(10..=36_000))]
    seconds: u32,
}

impl Args {
    fn harm(&self) -> Harm {
        let all = [Harm::Failures, Harm::Waits, Harm::None];
        let named = all.into_iter().find(|harm| harm.as_str() == self.harm);
        named.unwrap_or(Harm::None)
    }

    fn shares(&self) -> Vec<Share> {
        self.steps
            .iter()
            .filter_map(|step| Share::new(step * 100))
            .collect()
    }
}

/// What was sent.
#[derive(Default)]
struct Sent {
    accepted: AtomicUsize,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let bar = progress(u64::from(args.seconds));
    let policy = rollout_policy()?;
    let stage = Stage::live(session, &policy, u64::from(args.stage) * 1_000).await?;
    let broker = &stage.mesh.broker;
    let first = applying(ROLLOUT_POLICY.to_owned());
    apply(broker, &first).await?;
    for n in 0..WORKERS.0 {
        let name = format!("bench-{n}");
        stage
            .work_as(&name, WORKERS.1, Arc::new(Harmful(args.harm())))
            .await?;
    }
    let desk = Desk::new(
        broker.clone(),
        stage.policy_now(),
        Reach::Public,
        Arc::new(GatewayMetrics::new()),
        stage.lifecycle().clone(),
    );
    let sent = Arc::new(Sent::default());
    let sending = stage.lifecycle().child();
    sending.spawn(send(Arc::new(desk), args.rate, sent.clone(), sending.clone()));
    tokio::time::sleep(WARM_UP).await;
    let trying = Trying {
        compare: None,
        applying: applying(format!("{ROLLOUT_POLICY}bounds: {{ crash_limit: 6 }}\n")),
        shares: args.shares(),
        by: LotBy::Task,
        label: None,
    };
    begin_trial(broker, &trying).await?;
    let begun = clock::monotonic();
    let before = sent.accepted.load(Ordering::Relaxed);
    let run = watch(args, broker, begun, &bar).await?;
    sending.stop(SENT_WITHIN).await;
    let run = RolloutRun {
        harm: args.harm().as_str(),
        tasks: sent.accepted.load(Ordering::Relaxed) - before,
        ..run
    };
    bar.finish_and_clear();
    stage.clear().await;
    match session.output.format == Format::Svg {
        true => session
            .output
            .text(&svg(&run).context("cannot draw the picture")?)?,
        false => session.output.show(&run, text)?,
    }
    Ok(Exit::Ok)
}

/// Looks until it has ended or the time is over.
async fn watch(
    args: &Args,
    broker: &Broker,
    begun: Moment,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<RolloutRun> {
    let mut run = RolloutRun {
        harm: "",
        ending: None,
        why: "it went on for longer than was waited".to_owned(),
        after_s: f64::from(args.seconds),
        tasks: 0,
        canary_tasks: 0,
        looks: Vec::new(),
    };
    let mut every = tokio::time::interval(LOOK_EVERY);
    let mut stages = vec![0_u64; args.steps.len()];
    loop {
        every.tick().await;
        let after = clock::monotonic().since(begun);
        bar.set_position(after.as_secs());
        let status = trial_status(broker).await?;
        if let Some(look) = look(&status, after.as_secs_f64(), &mut stages)
            && run
                .looks
                .last()
                .is_none_or(|last| last.canary_tasks != look.canary_tasks || last.share != look.share)
        {
            run.looks.push(look);
        }
        if let Some(last) = &status.last {
            (run.ending, run.why, run.after_s) = (
                Some(last.ending.to_owned()),
                last.why.clone(),
                after.as_secs_f64(),
            );
            break;
        }
        if after >= Duration::from_secs(u64::from(args.seconds)) {
            break;
        }
    }
    run.canary_tasks = usize::try_from(stages.iter().sum::<u64>()).unwrap_or(usize::MAX);
    Ok(run)
}

/// What was seen, with the canary tasks of each stage noted.
fn look(status: &TrialStatus, at_s: f64, stages: &mut [u64]) -> Option<Look> {
    let seen = status.seen.as_ref()?;
    let look = Look::of(seen, at_s)?;
    let stage = usize::try_from(seen["stage"].as_u64()?).ok()?;
    if let Some(most) = stages.get_mut(stage) {
        *most = look.canary_tasks.max(*most);
    }
    Some(look)
}

fn applying(document: String) -> Applying {
    Applying {
        name: "bench/rollout.yaml".to_owned(),
        document,
        author: "bench".to_owned(),
        message: String::new(),
        expected: None,
        restores: None,
    }
}

/// Submits tasks at a steady pace, as a gateway does.
async fn send(desk: Arc<Desk>, rate: u32, sent: Arc<Sent>, lifecycle: Lifecycle) {
    let mut every = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut n = 0_u64;
    while !lifecycle.soft().is_cancelled() {
        every.tick().await;
        n += 1;
        let (desk, sent) = (desk.clone(), sent.clone());
        lifecycle.spawn(async move {
            let class = ["pay", "bulk"][usize::from(n.is_multiple_of(2))];
            let body = json!({"task_id": format!("bench-{n}"), "model": "m", "class": class, "input": n});
            let request = Request {
                body: Bytes::from(body.to_string()),
                content_type: None,
                tenant: None,
                idempotency_key: None,
                traceparent: None,
                track: None,
            };
            if desk.submit(request, Door::Nats).await.is_ok() {
                sent.accepted.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

fn text(of: &RolloutRun) -> String {
    let rows = [
        ["the candidate's harm".to_owned(), of.harm.to_owned()],
        [
            "ended".to_owned(),
            of.ending.clone().unwrap_or_else(|| "not yet".to_owned()),
        ],
        ["after, s".to_owned(), format!("{:.1}", of.after_s)],
        ["tasks meanwhile".to_owned(), of.tasks.to_string()],
        ["on the canary track".to_owned(), of.canary_tasks.to_string()],
        ["why".to_owned(), of.why.clone()],
    ];
    table(["figure", "value"], rows)
}
