//! Who asks, from the headers.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderMap;

use crate::gateway::{Code, Named, Problem};
use crate::task::TenantId;

/// The header that names the tenant.
pub(super) const TENANT: &str = "Fl-Tenant";

/// One header as text.
///
/// # Errors
/// [`Problem`] when it is given more than once or is no text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut all = headers.get_all(name).iter();
    let (first, more) = (all.next(), all.next());
    let read = first.map(|value| value.to_str()).transpose();
    match (read, more) {
        (Ok(text), None) => Ok(text),
        _ => {
            let what = format!("{name}: give it once, in printable ASCII");
            Err(Problem::new(Code::BadHeader, what).in_field(name))
        }
    }
}

/// The tenant, if the caller names one.
pub(super) fn tenant(headers: &HeaderMap) -> Result<Option<TenantId>, Problem> {
    let named = text(headers, TENANT)?.map(TenantId::new).transpose();
    named.map_err(|error| Problem::new(Code::BadHeader, format!("{TENANT}: {error}")).in_field(TENANT))
}

/// The tenant, by default the default one.
pub(super) fn owner(headers: &HeaderMap) -> Result<TenantId, Problem> {
    Ok(tenant(headers)?.unwrap_or_else(TenantId::default_tenant))
}

/// The schedule a path names.
pub(super) fn schedule(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let named = name.map(|Path(name)| name);
    named
        .map_err(|error| Problem::new(Code::BadName, format!("name: {}", error.body_text())).in_field("name"))
}

/// The task a path names.
pub(super) fn task(headers: &HeaderMap, id: Result<Path<String>, PathRejection>) -> Result<Named, Problem> {
    let Path(id) = id.map_err(|error| {
        Problem::new(Code::BadName, format!("task_id: {}", error.body_text())).in_field("task_id")
    })?;
    let tenant = tenant(headers)?.unwrap_or_else(TenantId::default_tenant);
    Named::new(tenant, &id)
}
