//! One bucket by itself, then all buckets of a task together.

mod lender;
mod one;
mod several;
mod silent;
mod time;
