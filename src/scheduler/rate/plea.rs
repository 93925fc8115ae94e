//! What workers and the lender say to each other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Rate;
use crate::task::{ClassName, ModelToken};

/// What tokens are counted for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// A class.
    Class(ClassName),
    /// A model.
    Model(ModelToken),
}

/// The rates there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rates {
    /// Of classes.
    pub classes: BTreeMap<ClassName, Rate>,
    /// Of models.
    pub models: BTreeMap<ModelToken, Rate>,
}

impl Rates {
    /// None where it is not limited.
    #[must_use]
    pub fn of(&self, meter: &Meter) -> Option<Rate> {
        match meter {
            Meter::Class(class) => self.classes.get(class),
            Meter::Model(model) => self.models.get(model),
        }
        .copied()
    }
}

/// What has become of tokens that were lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Of which loan.
    pub loan: u64,
    /// Tasks that have started, since that was last told.
    pub spent: u32,
    /// How long before the plea was sent the last of them did.
    pub ago: Duration,
    /// Tokens that are given back.
    pub back: u32,
}

/// Tokens that a worker could use now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Of what.
    pub meter: Meter,
    /// How many.
    pub tokens: u32,
    /// Whether it waits for them. One that does not has others for its slots, and is told when to come again.
    pub waits: bool,
}

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plea {
    /// Its own number, rising.
    pub number: u64,
    /// Tokens it could use now, instead of what it asked for before.
    pub wants: Vec<Want>,
    /// What has become of those it was lent.
    pub accounts: Vec<Account>,
}

/// What it is answered, at once and whenever tokens come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lent {
    /// The number of its last plea: loans run from when that was sent.
    pub number: u64,
    /// Tokens: of what, under which number, how many.
    pub tokens: Vec<(Meter, u64, u32)>,
    /// Where there are none, and about when there will be.
    pub dry: Vec<(Meter, Duration)>,
}
