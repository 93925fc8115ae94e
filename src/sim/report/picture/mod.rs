//! Reports as a picture: how long tasks took under each policy, and whose service it was.
//!
//! Reading order: `sheet` lays the picture out, `curves` draws the left half, with `overlay` where curves are one, `panels`
//! the right, `axis` chooses ticks, `style` colours and type.

mod axis;
mod curves;
mod overlay;
mod panels;
mod sheet;
mod style;

pub use sheet::{PictureError, svg};
