//! `schedule pause`, `resume` and `rm`.

use serde_json::json;

use super::args::Named;
use super::ls::text;
use crate::cli::exit::{Exit, Stop};
use crate::cli::session::Session;
use crate::clock;
use crate::gateway::shown;
use crate::task::{TaskId, TenantId};
use crate::wire::Schedule;

impl Named {
    /// What it is called inside.
    fn internal(&self) -> anyhow::Result<TaskId> {
        let tenant = self.tenant.clone().unwrap_or_else(TenantId::default_tenant);
        let own = TaskId::new(&self.name).and_then(|own| TaskId::of_tenant(&tenant, &own));
        own.map_err(|error| {
            let rule =
                "a schedule's name is 1 to 64 of A-Z a-z 0-9 _ -, as the ids of its tasks begin with it";
            Stop::usage(format!("{rule}: {error}")).into()
        })
    }

    fn unknown(&self) -> Stop {
        let name = &self.name;
        Stop::not_found(format!(
            "no schedule {name}; `fairlane schedule ls` lists those there are; name its --tenant if it has one"
        ))
    }
}

pub(super) async fn hold(named: &Named, is_paused: bool, session: &Session) -> anyhow::Result<Exit> {
    let (name, broker) = (named.internal()?, session.connect().await?);
    let changed = loop {
        let found = broker.schedule(&name).await?.ok_or_else(|| named.unknown())?;
        let now = clock::wall();
        if found.record.is_paused == is_paused {
            break found.record;
        }
        let changed = Schedule {
            is_paused,
            since: now,
            ..found.record
        };
        // None: somebody else has changed it in between.
        if broker
            .put_schedule(&changed, found.sequence, now)
            .await?
            .is_some()
        {
            break changed;
        }
    };
    let shown = shown(&changed, clock::wall());
    session
        .output
        .show(&shown, |shown| text(std::slice::from_ref(shown)))?;
    Ok(Exit::Ok)
}

pub(super) async fn remove(named: &Named, session: &Session) -> anyhow::Result<Exit> {
    let (name, broker) = (named.internal()?, session.connect().await?);
    if !broker.remove_schedule(&name).await? {
        return Err(named.unknown().into());
    }
    let shown = json!({"name": named.name, "removed": true});
    session.output.show(&shown, |_| {
        format!("removed {}; what it has fired stays", named.name)
    })?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_refused_with_what_is_wrong_with_it() {
        let named = Named {
            name: "a b".to_owned(),
            tenant: None,
        };
        let told = named.internal().unwrap_err().to_string();
        assert!(
            told.ends_with("task_id has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed"),
            "{told}"
        );
    }
}
