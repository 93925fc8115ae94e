//! `schedule ls`: every schedule, by name.

use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::clock;
use crate::gateway::{Shown, shown};

pub(super) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let (all, now) = (broker.schedules().await?, clock::wall());
    let mut all: Vec<Shown> = all.iter().map(|found| shown(&found.record, now)).collect();
    all.sort_by(|a, b| (&a.tenant, &a.name).cmp(&(&b.tenant, &b.name)));
    session.output.show(&json!({"schedules": all}), |_| text(&all))?;
    Ok(Exit::Ok)
}

pub(super) fn text(all: &[Shown]) -> String {
    let rows = all.iter().map(|schedule| {
        let next = schedule.next.clone();
        [
            schedule.name.clone(),
            schedule.tenant.clone(),
            format!("{} in {}", schedule.cron, schedule.time_zone),
            next.unwrap_or_else(|| (if schedule.paused { "paused" } else { "never" }).to_owned()),
            schedule.missed.to_owned(),
            format!("{} {} {}", schedule.lane, schedule.class, schedule.model),
        ]
    });
    table(["name", "tenant", "fires", "next", "missed", "task"], rows)
}
