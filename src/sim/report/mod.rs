//! What runs amount to.
