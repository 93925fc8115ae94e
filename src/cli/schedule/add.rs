//! `schedule add`: a name, a time, and the task of every firing.

use bytes::Bytes;
use clap::ArgGroup;
use clap::builder::PossibleValuesParser;

use super::ls::text;
use crate::cli::exit::{Exit, Stop};
use crate::cli::session::Session;
use crate::cli::task::{read, task_body, terms};
use crate::clock;
use crate::config::Raw;
use crate::gateway::{Asked, Asking, make, shown};
use crate::policy::{Edition, Missed};
use crate::task::{ClassName, Lane, ModelName, TenantId};

#[derive(clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("source").args(["model", "body"]).required(true))]
#[command(after_help = "The task of a firing is called NAME-MS, MS being its time in ms since 1970.")]
pub(super) struct Args {
    /// Its name, up to 64 of A-Z a-z 0-9 _ -
    name: String,
    /// Minute, hour, day of the month, month, day of the week, such as "30 3 * * 1-5"
    #[arg(long, value_name = "FIELDS")]
    cron: String,
    /// By which clock, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// What becomes of firings that nobody was there for
    #[arg(long, value_name = "WORD", default_value = "skip", value_parser = PossibleValuesParser::new(Missed::ALL.map(Missed::as_str)))]
    missed: String,
    /// Model that is to answer, one of the policy's
    #[arg(long, value_name = "NAME", value_parser = ModelName::new, requires = "input")]
    model: Option<ModelName>,
    /// What the model is asked, as text; @FILE reads a file, - stdin
    #[arg(long, value_name = "TEXT", requires = "model", allow_hyphen_values = true)]
    input: Option<String>,
    /// A whole task instead, JSON or MessagePack; - reads stdin
    #[arg(long, value_name = "FILE")]
    body: Option<String>,
    /// Business scenario, one of the policy's classes
    #[arg(long, value_name = "NAME")]
    class: Option<ClassName>,
    /// Lower is more urgent; finds the class where none is given
    #[arg(long, value_name = "N")]
    priority: Option<u32>,
    /// core or normal; else the policy decides
    #[arg(long)]
    lane: Option<Lane>,
    /// Who pays
    #[arg(long, value_name = "NAME")]
    tenant: Option<TenantId>,
    /// Policy document to classify by, where none is stored at the server [env: FAIRLANE_POLICY]
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
}

impl Args {
    pub(super) fn fill(&self, raw: &mut Raw) {
        raw.policy.clone_from(&self.policy);
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let own = session.policy()?;
    let asked = Asked {
        lane: args.lane,
        class: args.class.clone(),
        tenant: args.tenant.clone(),
        priority: args.priority,
        ..Asked::default()
    };
    let task = match (&args.model, &args.input, &args.body) {
        (Some(model), Some(input), _) => task_body(model, input, &[], &asked)?,
        (_, _, Some(file)) => Bytes::from(read(file)?),
        _ => unreachable!("clap requires one of them"),
    };
    let asking = Asking {
        name: args.name.clone(),
        cron: args.cron.clone(),
        time_zone: args.time_zone.clone(),
        missed: args.missed.clone(),
        task,
    };
    let broker = session.connect().await?;
    let policy = broker.policy_now(Edition::own(own)).await?;
    let now = clock::wall();
    let schedule = make(&policy, &asking, &asked, now, terms(&broker))
        .map_err(|refusal| Stop::refused(refusal.to_string()))?;
    let standing = match broker.put_schedule(&schedule, 0, now).await? {
        Some(_) => schedule,
        None => match broker.schedule(&schedule.name).await? {
            Some(standing) if standing.record.is_like(&schedule) => standing.record,
            _ => {
                return Err(Stop::refused(format!(
                    "there is another schedule {}; `fairlane schedule rm` it first, or choose another name",
                    args.name
                ))
                .into());
            }
        },
    };
    let shown = shown(&standing, now);
    session
        .output
        .show(&shown, |shown| text(std::slice::from_ref(shown)))?;
    Ok(Exit::Ok)
}
