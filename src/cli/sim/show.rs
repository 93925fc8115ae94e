//! What came out, for people, for programs, and as a picture.

use super::args::By;
use super::policies::Choice;
use crate::cli::exit::Exit;
use crate::cli::output::{Format, table};
use crate::cli::session::Session;
use crate::sim;
use crate::sim::report::json::PolicyJson;
use crate::sim::report::{Report, picture, text};
use crate::sim::workload::Workload;

/// Every report, as was asked for.
pub(super) fn reports(reports: &[Report], session: &Session) -> anyhow::Result<()> {
    if session.output.format == Format::Svg {
        return session.output.text(&picture::svg(reports)?);
    }
    let json: Vec<PolicyJson> = reports.iter().map(PolicyJson::from).collect();
    session.output.show(&json, |_| as_text(reports))
}

fn as_text(reports: &[Report]) -> String {
    let mut parts: Vec<String> = reports.first().map(text::headline).into_iter().collect();
    let policies = text::policies(reports);
    parts.push(table(policies.header, policies.rows));
    if let Some(losses) = text::losses(reports) {
        parts.push(table(losses.header, losses.rows));
    }
    for report in reports {
        let classes = text::classes(report);
        parts.push(format!(
            "{}\n{}",
            report.policy,
            table(classes.header, classes.rows)
        ));
    }
    parts.join("\n\n")
}

/// Why the first picks of the first policy came out as they did.
pub(super) fn explain(
    choices: &[Choice],
    workloads: &[(u64, Workload)],
    by: &By,
    picks: u32,
    session: &Session,
) -> anyhow::Result<Exit> {
    let (Some(choice), Some((seed, workload))) = (choices.first(), workloads.first()) else {
        return Ok(Exit::Ok);
    };
    let lines = sim::explain(workload, &choice.plan(workload, by), *seed, picks as usize);
    session.output.show(&lines, |lines| lines.join("\n"))?;
    Ok(Exit::Ok)
}
