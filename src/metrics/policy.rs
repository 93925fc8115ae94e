//! Which policy a process acts on.

use metrics::{Counter, Gauge, counter, gauge};
use std::sync::atomic::{AtomicU64, Ordering};

use super::catalogue::{POLICY_CHANGES, POLICY_REFUSED, POLICY_VERSION};

/// The handles of whoever follows the policy of the mesh.
pub struct PolicyMetrics {
    version: Gauge,
    refused: Gauge,
    changes: Counter,
    last: AtomicU64,
}

impl PolicyMetrics {
    /// Makes the handles at the recorder that is installed now; without one they count nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            version: gauge!(POLICY_VERSION),
            refused: gauge!(POLICY_REFUSED),
            changes: counter!(POLICY_CHANGES),
            last: AtomicU64::new(u64::MAX),
        }
    }

    /// This version is acted on.
    pub fn holds(&self, version: u64) {
        let last = self.last.swap(version, Ordering::Relaxed);
        if last != version && last != u64::MAX {
            self.changes.increment(1);
        }
        self.version.set(version as f64);
    }

    /// This version is stored and not acted on, if any is.
    pub fn refused(&self, version: Option<u64>) {
        self.refused.set(version.unwrap_or(0) as f64);
    }
}

impl Default for PolicyMetrics {
    fn default() -> Self {
        Self::new()
    }
}
