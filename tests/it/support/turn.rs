//! Who may use the processors: most tests at the same time, those that count service alone.
//!
//! Service is time of a slot. A machine that stalls while other tests run charges whoever happens to
//! be in a slot, so shares counted in tasks say something only on a machine left alone.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURN: RwLock<()> = RwLock::const_new(());

/// Held for as long as a test runs.
pub(crate) enum Turn {
    /// Beside others.
    Shared { _held: RwLockReadGuard<'static, ()> },
    /// Alone.
    Alone { _held: RwLockWriteGuard<'static, ()> },
    /// As part of a test that has its turn.
    Within,
}

impl Turn {
    /// Runs beside others.
    pub(crate) async fn shared() -> Self {
        Self::Shared {
            _held: TURN.read().await,
        }
    }

    /// Runs alone.
    pub(crate) async fn alone() -> Self {
        Self::Alone {
            _held: TURN.write().await,
        }
    }

    /// Runs beside others, in a test without a runtime.
    pub(crate) fn blocking() -> Self {
        Self::Shared {
            _held: TURN.blocking_read(),
        }
    }
}
