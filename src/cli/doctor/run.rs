//! Asks, judges, prints.

use serde_json::json;

use super::facts::{self, Facts};
use super::finding::{Finding, Verdict};
use super::{judge_capacity, judge_server};
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::clock;
use crate::task::EpochMs;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// The server's monitoring port, such as http://127.0.0.1:8222: shows what no client can see
    #[arg(long, value_name = "URL")]
    monitor: Option<String>,
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let facts = facts::gather(&broker, args.monitor.as_deref()).await?;
    let findings = judge(&facts, clock::wall());
    let healthy = findings.iter().all(|finding| finding.verdict < Verdict::Fail);
    session
        .output
        .show(&json!({"healthy": healthy, "checks": findings}), |_| {
            text(&findings)
        })?;
    Ok(if healthy { Exit::Ok } else { Exit::Error })
}

fn judge(facts: &Facts, now: EpochMs) -> Vec<Finding> {
    let mut findings = vec![
        judge_server::version(&facts.version),
        judge_server::clock(&facts.clock),
        judge_server::jetstream(facts.jetstream.as_ref()),
    ];
    if let Some(jetstream) = &facts.jetstream {
        let monitored = facts.monitored.as_ref().and_then(|told| told.as_ref().ok());
        findings.push(judge_server::sync(facts.monitored.as_ref()));
        findings.push(judge_server::streams(&jetstream.plan));
        findings.extend(judge_capacity::all(jetstream, monitored, now));
    }
    findings
}

fn text(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|finding| {
        let Finding {
            check,
            verdict,
            found,
            advice,
        } = finding;
        [
            (*check).to_owned(),
            verdict.word().to_owned(),
            found.clone(),
            advice.clone(),
        ]
    });
    table(["check", "verdict", "found", "what to do"], rows)
}
