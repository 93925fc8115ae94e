//! Whole simulations: what being distributed costs, that a seed says everything, and the figures that are stated.

mod distributed;
mod figures;
mod seeds;
