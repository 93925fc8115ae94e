//! `queue pause`, `resume` and `drain`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::json;

use crate::broker::queues::Queue;
use crate::broker::{Broker, RequestError};
use crate::cli::exit::{Exit, Stop};
use crate::cli::session::Session;
use crate::clock;
use crate::policy::Pause;
use crate::task::{ClassName, Lane};

/// How often is looked whether something still runs: nothing tells of it.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Which queues.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct Args {
    /// Those of this class
    #[arg(long, value_name = "NAME")]
    class: Option<ClassName>,
    /// Those of this lane: core or normal
    #[arg(long, value_name = "LANE")]
    lane: Option<Lane>,
    /// All of them
    #[arg(long, conflicts_with_all = ["class", "lane"])]
    all: bool,
}

#[derive(clap::Args)]
pub(super) struct DrainArgs {
    #[command(flatten)]
    of: Args,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

impl Args {
    fn pause(&self) -> Pause {
        Pause {
            lane: self.lane,
            class: self.class.clone(),
        }
    }

    /// The queues that are meant; a name that fits none is most likely a slip.
    async fn queues(&self, broker: &Broker) -> anyhow::Result<Vec<Queue>> {
        let (pause, mut all) = (self.pause(), Vec::new());
        for lane in Lane::ALL {
            all.extend(broker.queues(lane).await?);
        }
        let (found, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|q| pause.covers(&q.route));
        if found.is_empty() {
            let mut known: Vec<_> = others.iter().map(|q| q.route.class.to_string()).collect();
            known.sort();
            known.dedup();
            return Err(Stop::not_found(format!(
                "no queue of that name; nothing was done; the classes with a queue are: {}",
                known.join(", ")
            ))
            .into());
        }
        Ok(found)
    }
}

pub(super) async fn pause(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let queues = args.queues(&broker).await?;
    broker.pause(&args.pause(), clock::wall()).await?;
    let shown = json!({"paused": queues.len()});
    session.output.show(&shown, |_| {
        format!("paused {} queues; what runs goes on", queues.len())
    })?;
    Ok(Exit::Ok)
}

pub(super) async fn resume(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let pause = args.pause();
    // Also where its queues are gone: a pause outlives them.
    if !broker.resume(&pause, clock::wall()).await? {
        return Err(Stop::not_found(
            "no such pause; `fairlane queue ls --json` lists those that stand: each is taken back as it was given",
        )
        .into());
    }
    let mut held = 0;
    for lane in Lane::ALL {
        let queues = broker.queues(lane).await?;
        held += queues
            .iter()
            .filter(|q| q.is_paused && pause.covers(&q.route))
            .count();
    }
    let shown = json!({"resumed": true, "still_paused": held});
    session.output.show(&shown, |_| match held {
        0 => "resumed".to_owned(),
        n => format!("resumed; {n} queues are still paused by another pause, see `fairlane queue ls --json`"),
    })?;
    Ok(Exit::Ok)
}

pub(super) async fn drain(args: &DrainArgs, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    args.of.queues(&broker).await?;
    let pause = args.of.pause();
    broker.pause(&pause, clock::wall()).await?;
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let started = clock::monotonic();
    let left = loop {
        let out = out(&broker, &pause).await?;
        bar.set_message(format!("{out} still out"));
        bar.tick();
        let waited = clock::monotonic().since(started);
        if out == 0 || waited >= Duration::from_secs(args.timeout) {
            break out;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    bar.finish_and_clear();
    let shown = json!({"drained": left == 0, "out": left});
    session.output.show(&shown, |_| match left {
        0 => "drained: nothing of it runs; `fairlane queue resume` lets it go on".to_owned(),
        n => format!("paused, but {n} are still out; wait longer with --timeout, or cancel them"),
    })?;
    Ok(if left == 0 { Exit::Ok } else { Exit::Error })
}

async fn out(broker: &Broker, pause: &Pause) -> Result<u64, RequestError> {
    let mut out = 0;
    for lane in Lane::ALL {
        let queues = broker.queues(lane).await?;
        let meant = queues.iter().filter(|queue| pause.covers(&queue.route));
        out += meant.map(|queue| queue.out).sum::<u64>();
    }
    Ok(out)
}
