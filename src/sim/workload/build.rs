//! From what was asked for to the workload.

use super::{Kind, Spec, Workload, WorkloadError, flood, inference, reference, tenants};

/// Makes the workload that `spec` asks for. The same `spec` and `seed` make the same one on every machine.
///
/// # Errors
/// [`WorkloadError`] when a number is out of its range, when the kind does not have what is asked for, or when there
/// would be more than ten million tasks.
pub fn build(spec: &Spec, seed: u64) -> Result<Workload, WorkloadError> {
    spec.check()?;
    match &spec.kind {
        Kind::Reference => Ok(reference::build(spec)),
        Kind::Code => inference::code(spec, seed),
        Kind::Conv => inference::conv(spec, seed),
        Kind::Mix => inference::mix(spec, seed),
        Kind::Flood => flood::build(spec, seed),
        Kind::Tenants => tenants::build(spec, seed),
        Kind::Trace(trace) => trace.workload(spec, seed),
    }
}
