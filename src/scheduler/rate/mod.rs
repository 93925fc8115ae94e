//! How many tasks may start in a time, by class and model.
//!
//! A task is asked for before it is known whether there is one, and it starts some time after that. A token
//! that is merely held for it is therefore not spent: it is spent when the task starts, or given back. Counted
//! like that, no window of time has more starts than the rate allows in it and one burst.
//!
//! Reading order: [`bucket`] is one bucket, [`lender`] lends its tokens to whoever needs them ([`plea`] is what they
//! say to each other), into a [`purse`].

mod bucket;
mod lender;
mod plea;
mod purse;
#[cfg(test)]
mod tests;

use bucket::Bucket;
pub use bucket::Rate;
pub use lender::{LOAN, Lender};
pub use plea::{Account, Lent, Meter, Plea, Rates, Want};
pub use purse::{Purse, Settled};
