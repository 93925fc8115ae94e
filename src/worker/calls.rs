//! What the worker's loop answers, and what it does when it is told to.

use super::presence::{Call, Load};
use super::shell::Shell;
use crate::metrics::Readiness;
use crate::wire::{Order, WorkerState};

impl Shell {
    /// Carries out an order, if it is one, and says what the worker does from now on.
    pub(super) fn answer(&mut self, call: Call) {
        match call.order {
            None => (),
            // One that stops does not come back.
            Some(_) if self.draining => (),
            Some(Order::Cordon) => self.cordon(true),
            Some(Order::Uncordon) => self.cordon(false),
            Some(Order::Drain) => {
                self.told_to_drain.cancel();
                self.drain();
            }
        }
        // Whoever asked may have gone.
        let _ = call.answer.send(self.load());
    }

    fn load(&mut self) -> Load {
        let state = match (self.draining, self.cordoned) {
            (true, _) => WorkerState::Draining,
            (false, true) => WorkerState::Cordoned,
            (false, false) => WorkerState::Taking,
        };
        Load {
            state,
            free: self.intake.free(),
            running: self.intake.running(),
            shadow: self
                .asked
                .told(&self.classes, &self.intake, &self.service.options.metrics),
        }
    }

    fn cordon(&mut self, on: bool) {
        if self.cordoned == on {
            return;
        }
        self.cordoned = on;
        if on {
            self.intake.drain();
        } else {
            self.intake.go_on();
        }
        self.readiness
            .send_replace(if on { Readiness::Draining } else { Readiness::Ready });
    }

    /// Takes nothing more; the loop ends when nothing is left.
    pub(super) fn drain(&mut self) {
        self.draining = true;
        self.readiness.send_replace(Readiness::Draining);
        self.intake.drain();
    }
}
