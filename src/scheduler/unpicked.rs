//! Tasks that start without having been picked: whoever looked at a queue of which nothing was known takes what comes.

use super::facts::QueueId;
use super::picker::{Picker, Ranked, Sight};

impl Picker {
    /// A task of a queue starts that was not picked: charge it next. Where nobody else could have had its place its class
    /// owes no more than `most_ms` for it and for those before it.
    pub fn unpicked(&mut self, id: QueueId, most_ms: f64) {
        self.credit.unchosen(self.class_of(id), most_ms);
    }

    /// What the class of a queue has had beyond its turn, in ms of one slot; 0 where the balances are not the rule.
    #[must_use]
    pub fn ahead_ms(&self, id: QueueId, sight: Sight) -> f64 {
        match matches!(self.ranked, Ranked::Weighted) || self.is_blind(sight) {
            true => self.credit.ahead_ms(self.class_of(id)),
            false => 0.0,
        }
    }
}
