//! Where a worker begins, so that many workers with few slots do not choose in step.

use super::core::Intake;
use crate::scheduler::facts::ClassId;

/// A part of one task that a class owes from the start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Debt {
    owed_ms: f64,
    /// How often it was set: what one task costs is learned, and the debt with it.
    set: u32,
}

/// Tasks of a class after which its first debt stays as it is.
const DEBT_LEARNED: u32 = 16;

/// A number from 0 to 1 for a seed. Those of seeds that follow each other lie as evenly between 0 and 1 as can be,
/// however many there are (Weyl's sequence of the golden section, 0.382), so that workers whose seeds do so share a window
/// better than by chance.
pub(super) fn phase(seed: u64) -> f64 {
    (seed.wrapping_mul(0x61c8_8646_80b5_83eb) >> 11) as f64 / (1_u64 << 53) as f64
}

impl Intake {
    /// Lets each class owe what it would if this worker had been at work for some time, a different one for each
    /// worker, so that many workers with few slots do not choose in step: after the time in which the class with the
    /// least share gets one task, all balances are where they were.
    pub(super) fn owe(&mut self, class: ClassId, estimate_ms: f64) {
        if self.debts[class.0].set == DEBT_LEARNED {
            return;
        }
        let shares = (0..self.debts.len()).map(|at| self.picker.terms(ClassId(at)).share);
        let least = shares.fold(f64::INFINITY, f64::min);
        let served = phase(self.seed) * self.picker.terms(class).share / least;
        let debt_ms = (1.0 - served.fract()) * estimate_ms;
        let debt = &mut self.debts[class.0];
        self.picker.owe(class, debt_ms - debt.owed_ms);
        (debt.owed_ms, debt.set) = (debt_ms, debt.set + 1);
    }
}
