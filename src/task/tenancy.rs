//! A tenant's names: what it calls a task, and what the task is called inside.

use sha2::{Digest, Sha256};

use super::{NameError, TaskId, TenantId};

impl TaskId {
    /// What `own`, a name its tenant gave, is called inside: with the first 8 hex digits of SHA-256 of
    /// the tenant's name and a dash in front, so that tenants cannot meet; the default tenant's as it is.
    ///
    /// # Errors
    /// [`NameError`] when it is too long with them.
    pub fn of_tenant(tenant: &TenantId, own: &TaskId) -> Result<TaskId, NameError> {
        match prefix(tenant) {
            Some(prefix) => TaskId::new(&format!("{prefix}{own}")),
            None => Ok(own.clone()),
        }
    }

    /// What its tenant calls it.
    #[must_use]
    pub fn for_tenant(&self, tenant: &TenantId) -> TaskId {
        let own = prefix(tenant).and_then(|prefix| self.as_str().strip_prefix(&prefix));
        own.and_then(|own| TaskId::new(own).ok())
            .unwrap_or_else(|| self.clone())
    }

    /// Whether it is called inside as a name of `tenant` would be. The default tenant may have named anything as it likes:
    /// what looks like somebody else's counts as that.
    #[must_use]
    pub fn looks_like_one_of(&self, tenant: &TenantId) -> bool {
        match prefix(tenant) {
            Some(prefix) => self.as_str().starts_with(&prefix),
            None => !self.has_prefix(),
        }
    }

    /// Whether it begins as names of other tenants than the default one do.
    fn has_prefix(&self) -> bool {
        let digits = self.as_str().split_once('-').map(|(digits, _)| digits);
        digits.is_some_and(|digits| {
            let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            digits.len() == 8 && digits.bytes().all(is_digit)
        })
    }
}

fn prefix(tenant: &TenantId) -> Option<String> {
    if *tenant == TenantId::default_tenant() {
        return None;
    }
    let digest = Sha256::digest(tenant.as_str().as_bytes());
    let digits: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{digits}-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> TaskId {
        TaskId::new(text).unwrap()
    }

    #[test]
    fn a_tenants_ids_are_its_own_and_the_default_tenants_are_as_they_are() {
        let (acme, default) = (TenantId::new("acme").unwrap(), TenantId::default_tenant());
        let inside = TaskId::of_tenant(&acme, &id("task-1")).unwrap();
        assert_eq!(inside.as_str(), "822b33ad-task-1");
        assert_eq!(inside.for_tenant(&acme), id("task-1"));
        assert_eq!(TaskId::of_tenant(&default, &id("task-1")).unwrap(), id("task-1"));
        assert_eq!(inside.for_tenant(&default), inside);
        for (name, is_acmes, is_nobodys) in [
            ("822b33ad-task-1", true, false),
            ("00000000-task-1", false, false),
            ("822b33ad", false, true),
            ("822B33AD-x", false, true),
            ("task-1", false, true),
        ] {
            assert_eq!(id(name).looks_like_one_of(&acme), is_acmes, "{name}");
            assert_eq!(id(name).looks_like_one_of(&default), is_nobodys, "{name}");
        }
        let longest = id(&"x".repeat(119));
        assert_eq!(TaskId::of_tenant(&acme, &longest).unwrap().as_str().len(), 128);
        assert!(TaskId::of_tenant(&acme, &id(&"x".repeat(120))).is_err());
    }
}
