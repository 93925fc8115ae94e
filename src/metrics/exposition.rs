//! The recorder of this process, and its numbers as text.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::SetRecorderError;
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::catalogue::{self, BATCH_SIZE};

/// Upper bounds of the buckets of every time, in seconds: from a no-op to the longest generation.
pub(super) const BUCKETS_S: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
    300.0,
];
/// Upper bounds of the buckets of a batch's size, up to the most that a policy allows.
pub(super) const BUCKETS_SIZE: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0,
];
/// How often samples are put into their buckets: until then each takes memory.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The one of this process: a recorder can be installed only once.
static INSTALLED: Mutex<Option<Exposition>> = Mutex::new(None);

/// There is no recorder.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The buckets are refused.
    #[error("cannot build the metrics recorder: {0}")]
    Build(#[from] BuildError),
    /// Something else has installed a recorder.
    #[error("this process already has a metrics recorder that is not Fairlane's")]
    Foreign(#[source] Box<SetRecorderError<PrometheusRecorder>>),
}

/// Shows what was counted. Clones show the same.
#[derive(Debug, Clone)]
pub struct Exposition(PrometheusHandle);

impl Exposition {
    /// Installs the recorder, or gives the one that is installed: roles in one process share it.
    /// Metrics made before count nothing.
    ///
    /// # Errors
    /// [`InstallError`], when another library was faster.
    pub fn install() -> Result<Self, InstallError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exposition) = &*installed {
            return Ok(exposition.clone());
        }
        let recorder = recorder()?;
        let exposition = Self(recorder.handle());
        metrics::set_global_recorder(recorder).map_err(|error| InstallError::Foreign(Box::new(error)))?;
        catalogue::describe();
        *installed = Some(exposition.clone());
        Ok(exposition)
    }

    /// The numbers in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the memory of unread samples bounded; never ends. [`serve`](super::serve) does it.
    pub(super) async fn upkeep(&self) {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            interval.tick().await;
            self.0.run_upkeep();
        }
    }
}

/// A recorder that is not installed.
pub(super) fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let times = Matcher::Suffix("_seconds".to_owned());
    let sizes = Matcher::Full(BATCH_SIZE.to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(times, BUCKETS_S)?
        .set_buckets_for_metric(sizes, BUCKETS_SIZE)?;
    Ok(builder.build_recorder())
}

#[cfg(test)]
impl From<PrometheusHandle> for Exposition {
    fn from(handle: PrometheusHandle) -> Self {
        Self(handle)
    }
}
