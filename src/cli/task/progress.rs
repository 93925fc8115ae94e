//! How far a file has got: a bar for people, the log for everybody else.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shown on stderr, and only where that is a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// For so many bytes, or for as many as come.
    pub(super) fn new(bytes: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
        let template = match bytes {
            Some(_) => "{bar:30} {percent}%  {prefix}  {wide_msg}",
            None => "{binary_bytes}  {prefix}  {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(super) fn update(&self, bytes: u64, accepted: u64) {
        // A hidden bar costs nothing, but its text would be made all the same.
        if !self.bar.is_hidden() {
            self.bar.set_prefix(format!("{accepted} accepted"));
            self.bar.set_position(bytes);
        }
    }

    pub(super) fn say(&self, what: &str) {
        if self.bar.is_hidden() {
            tracing::warn!("{what}");
        } else {
            self.bar.set_message(what.to_owned());
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
