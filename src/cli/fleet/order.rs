//! `worker cordon`, `uncordon` and `drain`.

use serde_json::json;

use super::show::unknown;
use crate::broker::orders::OrderError;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::task::WorkerId;
use crate::wire::{Obeyed, Order};

pub(super) async fn send(id: &WorkerId, order: Order, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let obeyed = match broker.order(id, order).await {
        Ok(obeyed) => obeyed,
        Err(OrderError::Nobody(id)) => return Err(unknown(&broker, &id).await),
        Err(error) => return Err(error.into()),
    };
    let shown = json!({
        "worker": obeyed.worker.as_str(), "state": obeyed.state.as_str(), "running": obeyed.running,
    });
    session.output.show(&shown, |_| as_text(&obeyed, order))?;
    Ok(Exit::Ok)
}

fn as_text(obeyed: &Obeyed, order: Order) -> String {
    let Obeyed { worker, running, .. } = obeyed;
    match order {
        Order::Cordon => format!(
            "{worker} takes nothing new and finishes {running} tasks; `fairlane worker uncordon {worker}` or a restart lets it take tasks again"
        ),
        Order::Uncordon => format!("{worker} takes tasks"),
        Order::Drain => format!("{worker} stops once its {running} tasks are finished"),
    }
}
