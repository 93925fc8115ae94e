//! What a worker can be told, and what it answers.

use serde_json::{Value, json};

use super::beat::WorkerState;
use crate::task::WorkerId;

/// What a worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Take nothing new, finish what runs, and stay.
    Cordon,
    /// Take tasks again.
    Uncordon,
    /// Take nothing new, finish what runs, and stop, as on SIGTERM.
    Drain,
}

impl Order {
    const ALL: [Self; 3] = [Self::Cordon, Self::Uncordon, Self::Drain];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Drain => "drain",
        }
    }
}

/// A worker's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obeyed {
    /// Who answers.
    pub worker: WorkerId,
    /// What it does from now on.
    pub state: WorkerState,
    /// Tasks that it still executes.
    pub running: u32,
}

/// An order as JSON.
#[must_use]
pub fn order_body(order: Order) -> Vec<u8> {
    json!({"version": 1, "do": order.as_str()})
        .to_string()
        .into_bytes()
}

/// Reads an order.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_order(body: &[u8]) -> Result<Order, String> {
    let read: Value = serde_json::from_slice(body).map_err(|error| format!("it is no JSON: {error}"))?;
    let word = read["do"].as_str().unwrap_or_default();
    let known = Order::ALL.into_iter().find(|order| order.as_str() == word);
    known.ok_or_else(|| format!("{word:?} is no order; give cordon, uncordon or drain"))
}

/// An answer as JSON; what was wrong where nothing was done.
#[must_use]
pub fn obeyed_body(obeyed: &Result<Obeyed, String>) -> Vec<u8> {
    let body = match obeyed {
        Ok(Obeyed {
            worker,
            state,
            running,
        }) => json!({"version": 1, "worker": worker.as_str(), "state": state.as_str(), "running": running}),
        Err(what) => json!({"version": 1, "error": what}),
    };
    body.to_string().into_bytes()
}

/// Reads an answer.
///
/// # Errors
/// What the worker found wrong, or that the answer is none.
pub fn read_obeyed(body: &[u8]) -> Result<Obeyed, String> {
    let read: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(what) = read["error"].as_str() {
        return Err(what.to_owned());
    }
    let worker = read["worker"].as_str().and_then(|id| WorkerId::new(id).ok());
    let state = read["state"].as_str().and_then(WorkerState::of);
    match (worker, state) {
        (Some(worker), Some(state)) => Ok(Obeyed {
            worker,
            state,
            running: read["running"]
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0),
        }),
        _ => Err("the answer is no worker's".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_answers_read_back_and_others_are_refused() {
        for order in Order::ALL {
            assert_eq!(read_order(&order_body(order)), Ok(order));
        }
        for (bad, says) in [
            ("nope", "no JSON"),
            ("{}", "no order"),
            (r#"{"do":"stop"}"#, "cordon, uncordon or drain"),
        ] {
            assert!(read_order(bad.as_bytes()).unwrap_err().contains(says), "{bad}");
        }
        let obeyed = Obeyed {
            worker: WorkerId::new("w").unwrap(),
            state: WorkerState::Cordoned,
            running: 3,
        };
        assert_eq!(read_obeyed(&obeyed_body(&Ok(obeyed.clone()))), Ok(obeyed));
        let refused = Err("it stops already".to_owned());
        assert_eq!(read_obeyed(&obeyed_body(&refused)), refused);
        assert!(read_obeyed(b"").is_err());
    }
}
