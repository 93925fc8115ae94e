//! `/v1/schedules`: [`add`], [`list`], [`show`], [`remove`], and [`hold`] for pause and resume.

pub(super) mod add;
pub(super) mod hold;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;
