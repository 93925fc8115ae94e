//! What the headers of a terminal record say of how its task ended, for whoever counts: no body is needed.

use super::header::{ATTEMPT, CLASS, EXEC_MS, QUEUED_MS, ReadHeaders, STATE, TENANT};
use crate::task::{ClassName, State, TenantId};

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Its terminal state.
    pub state: State,
    /// Its class; none where the record names none, or what is no name.
    pub class: Option<ClassName>,
    /// Who pays; the default tenant where the record names nobody.
    pub tenant: TenantId,
    /// Executions that failed before.
    pub attempt: u32,
    /// From first enqueue to the start of the last execution, or to the verdict, in ms; none where it does not say.
    pub queued_ms: Option<u64>,
    /// How long the last execution ran, in ms; none where it does not say.
    pub exec_ms: Option<u64>,
}

/// Reads how a task ended. `None` where the headers name no terminal state that this version knows.
#[must_use]
pub fn read_ending(headers: &dyn ReadHeaders) -> Option<Ending> {
    let number = |name| headers.header(name)?.trim().parse::<u64>().ok();
    let state = headers.header(STATE).and_then(State::parse)?;
    let tenant = headers.header(TENANT).and_then(|name| TenantId::new(name).ok());
    state.is_terminal().then(|| Ending {
        state,
        class: headers.header(CLASS).and_then(|name| ClassName::new(name).ok()),
        tenant: tenant.unwrap_or_else(TenantId::default_tenant),
        attempt: number(ATTEMPT).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        queued_ms: number(QUEUED_MS),
        exec_ms: number(EXEC_MS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Headers;

    fn read(pairs: &[(&'static str, &str)]) -> Option<Ending> {
        let mut headers = Headers::default();
        for (name, value) in pairs {
            headers.set(*name, *value);
        }
        read_ending(&headers)
    }

    #[test]
    fn a_record_says_how_long_its_task_waited_and_ran() {
        let all = [
            (STATE, "completed"),
            (CLASS, "pay"),
            (TENANT, "acme"),
            (ATTEMPT, "2"),
            (QUEUED_MS, "59000"),
            (EXEC_MS, " 125 "),
        ];
        let ending = Ending {
            state: State::Completed,
            class: ClassName::new("pay").ok(),
            tenant: TenantId::new("acme").unwrap(),
            attempt: 2,
            queued_ms: Some(59_000),
            exec_ms: Some(125),
        };
        assert_eq!(read(&all), Some(ending));
    }

    #[test]
    fn what_it_leaves_out_or_writes_wrong_is_none() {
        let ending = read(&[(STATE, "dead"), (CLASS, "a.b"), (EXEC_MS, "-1")]).unwrap();
        assert_eq!(
            (ending.class, ending.queued_ms, ending.exec_ms),
            (None, None, None)
        );
        assert_eq!((ending.tenant, ending.attempt), (TenantId::default_tenant(), 0));
    }

    #[test]
    fn a_record_without_a_terminal_state_tells_of_no_end() {
        for state in ["queued", "gone", ""] {
            assert_eq!(read(&[(STATE, state)]), None, "{state}");
        }
        assert_eq!(read(&[]), None);
    }
}
