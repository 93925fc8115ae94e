//! How many tasks may start in a time, by class, tenant and model.
//!
//! A task is asked for before it is known whether there is one, and it starts some time after that. A token
//! that is merely held for it is therefore not spent: it is spent when the task starts, or given back. Counted
//! like that, no window of time has more starts than the rate allows in it and one burst.
//!
//! Reading order: [`bucket`] is one bucket, [`tenants`] those that come and go, [`buckets`] all that a task
//! needs at once, [`split`] divides a rate over workers for good; [`lender`] lends its tokens to whoever needs them ([`plea`] is what they say), into a
//! [`purse`].

mod bucket;
mod buckets;
mod lender;
mod plea;
mod purse;
mod split;
mod tenants;
#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Rate};
pub use buckets::{Binding, Buckets, Owners};
pub use lender::{LOAN, Lender};
pub use plea::{Account, Lent, Meter, Plea, Rates, Want};
pub use purse::{Purse, Settled};
pub use split::split;
