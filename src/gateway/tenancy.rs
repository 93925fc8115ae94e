//! A caller's names: its tasks, and its own word for a submission.

use sha2::{Digest, Sha256};

use super::problem::{Code, Problem};
use crate::task::{TaskId, TenantId};

/// The longest `Idempotency-Key`, in bytes.
const KEY_LEN_MAX: usize = 255;
/// Hex digits of a hashed key: 128 bits, so that two keys never meet.
const KEY_HASH_DIGITS: usize = 32;

/// The caller's own word for one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(TaskId);

impl IdempotencyKey {
    /// The key of `tenant`; two tenants may use the same word.
    ///
    /// # Errors
    /// [`Problem`] when it is empty, too long, or not printable ASCII.
    pub fn new(tenant: &TenantId, text: &str) -> Result<Self, Problem> {
        let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if text.is_empty() || text.len() > KEY_LEN_MAX || !printable {
            let what = format!("Idempotency-Key: give 1 to {KEY_LEN_MAX} printable ASCII characters");
            return Err(Problem::new(Code::BadHeader, what).in_field("Idempotency-Key"));
        }
        let hash = hex(&[tenant.as_str().as_bytes(), b"\0", text.as_bytes()]);
        let id = TaskId::new(&hash[..KEY_HASH_DIGITS]);
        Ok(Self(
            id.unwrap_or_else(|error| unreachable!("hex digits: {error}")),
        ))
    }

    /// What it is noted under.
    #[must_use]
    pub fn hash(&self) -> &TaskId {
        &self.0
    }

    /// The identity of a task that was given none: the same key gives the same one.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        let id = TaskId::new(&format!("idem-{}", self.0));
        id.unwrap_or_else(|error| unreachable!("a short word and hex digits: {error}"))
    }
}

/// What a task is called inside.
///
/// # Errors
/// [`Problem`] when it is too long with what marks its tenant.
pub(super) fn internal(tenant: &TenantId, id: &TaskId) -> Result<TaskId, Problem> {
    TaskId::of_tenant(tenant, id).map_err(|_| {
        let what = format!(
            "task_id: {} bytes; with a tenant at most 119 are allowed",
            id.as_str().len()
        );
        Problem::new(Code::OutOfRange, what).in_field("task_id")
    })
}

/// SHA-256 of `parts` in a row, in lower-case hex.
pub(super) fn hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_with_its_tenant_is_refused() {
        let (acme, long) = (
            TenantId::new("acme").unwrap(),
            TaskId::new(&"x".repeat(120)).unwrap(),
        );
        let told = internal(&acme, &long).unwrap_err();
        assert_eq!(
            (told.field.as_deref(), told.code.status()),
            (Some("task_id"), 422)
        );
    }

    #[test]
    fn a_key_names_the_same_task_for_one_tenant_only() {
        let (acme, globex) = (TenantId::new("acme").unwrap(), TenantId::new("globex").unwrap());
        let key = |tenant, text: &str| IdempotencyKey::new(tenant, text).unwrap();
        assert_eq!(key(&acme, "a b").task_id(), key(&acme, "a b").task_id());
        assert_ne!(key(&acme, "a b").hash(), key(&globex, "a b").hash());
        for bad in ["", "a\nb", "ä", &"x".repeat(256)] {
            assert!(IdempotencyKey::new(&acme, bad).is_err(), "{bad:?}");
        }
    }
}
