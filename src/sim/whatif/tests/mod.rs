//! What is asked, how it is judged, and what a replay comes to.

mod asked;
mod judged;
mod replayed;
