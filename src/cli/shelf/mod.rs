//! What `dlq` and `archive` have in common: the tasks that lie aside.
//!
//! [`filter`] chooses among them, [`item`] is one as it is shown, [`ls`] lists and groups, [`replay`] puts
//! back to work and [`discard`] throws away what [`choice`] chose.

mod choice;
pub(super) mod discard;
mod filter;
mod item;
pub(super) mod ls;
pub(super) mod replay;
