//! What the places of one queue were charged, so that a changed estimate gives back what was taken.

/// Places asked for and tasks under way, and what they were charged together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ledger {
    places: u32,
    charged_ms: f64,
}

impl Ledger {
    /// One more place at that estimate.
    pub(super) fn book(&mut self, estimate_ms: f64) {
        self.places += 1;
        self.charged_ms += estimate_ms;
    }

    /// Places that are in it.
    pub(super) fn places(&self) -> u32 {
        self.places
    }

    /// What the places that are in it were charged.
    pub(super) fn charged_ms(&self) -> f64 {
        self.charged_ms
    }

    /// Takes so many places out, and says what they were charged.
    pub(super) fn settle(&mut self, places: u32) -> f64 {
        let places = places.min(self.places);
        if places == 0 {
            return 0.0;
        }
        let part_ms = self.charged_ms * f64::from(places) / f64::from(self.places);
        self.places -= places;
        self.charged_ms -= part_ms;
        part_ms
    }
}
