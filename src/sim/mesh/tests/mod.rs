//! What the intake of many workers does, against the model of the server. [`stage`] sets worlds up.

mod stage;

mod conserving;
mod effort;
mod leaving;
mod limits;
mod random;
mod rates;
mod shadow;
mod shares;
mod slow;
mod told;
mod urgent;
