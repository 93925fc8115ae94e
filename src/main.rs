//! Starts one role of Fairlane.

fn main() {}
