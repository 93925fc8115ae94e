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
        let longest = id(&"x".repeat(119));
        assert_eq!(TaskId::of_tenant(&acme, &longest).unwrap().as_str().len(), 128);
        assert!(TaskId::of_tenant(&acme, &id(&"x".repeat(120))).is_err());
    }
}
