//! One bucket by itself, then all buckets of a task together.

mod one;
mod several;
mod time;
