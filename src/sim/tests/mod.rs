//! Whole simulations: what being distributed costs, and that a seed says everything.

mod distributed;
mod seeds;
