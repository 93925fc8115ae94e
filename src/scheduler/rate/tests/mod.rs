//! One bucket by itself, then what is lent of it.

mod lender;
mod one;
mod silent;
mod time;
