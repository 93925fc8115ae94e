//! What a `concurrency_key` is filed under.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::TenantId;

/// Bytes of the hash that are kept: 128 bits, so that two keys never meet.
const KEPT: usize = 16;

/// A tenant's key as a subject token: the first 32 hex digits of SHA-256 of tenant, a zero byte and key. Two tenants
/// may use the same key and do not share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Of `tenant`'s `key`.
    #[must_use]
    pub fn of(tenant: &TenantId, key: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(tenant.as_str())
            .chain_update([0])
            .chain_update(key)
            .finalize();
        let digits: String = hash[..KEPT].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(digits.into())
    }

    /// Reads one back; none for what is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 2 * KEPT && text.bytes().all(is_digit)).then(|| Self(text.into()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_name_per_tenant_that_reads_back() {
        let (acme, globex) = (TenantId::new("acme").unwrap(), TenantId::new("globex").unwrap());
        let key = KeyId::of(&acme, "gpu: 1");
        assert_eq!(KeyId::parse(key.as_str()), Some(key.clone()));
        assert_ne!(key, KeyId::of(&globex, "gpu: 1"));
        for text in ["", "abc", &"g".repeat(32), &"A".repeat(32)] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }
}
