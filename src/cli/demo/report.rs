//! What the demo prints at the end.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::output::table;

/// The whole outcome.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) submitted: usize,
    pub(super) completed: usize,
    pub(super) lost: usize,
    pub(super) classes: BTreeMap<String, ClassReport>,
    pub(super) search: Vec<Search>,
    pub(super) wall_ms: u64,
}

/// What happened to one class.
#[derive(Debug, Serialize)]
pub(super) struct ClassReport {
    pub(super) share: u32,
    pub(super) submitted: usize,
    pub(super) completed: usize,
    pub(super) wait_ms_p50: u64,
    pub(super) wait_ms_p99: u64,
    pub(super) exec_ms_p50: u64,
}

/// One search among the embeddings that came back.
#[derive(Debug, Serialize)]
pub(super) struct Search {
    pub(super) query: String,
    pub(super) found: String,
    pub(super) cosine: f32,
    pub(super) correct: bool,
}

impl Report {
    /// Whether every task came back and every search found its sentence.
    pub(super) fn is_good(&self) -> bool {
        self.lost == 0 && self.completed == self.submitted && self.search.iter().all(|s| s.correct)
    }

    pub(super) fn text(&self) -> String {
        let mut classes: Vec<_> = self.classes.iter().collect();
        classes.sort_by_key(|(_, class)| std::cmp::Reverse(class.share));
        let rows = classes.into_iter().map(|(name, class)| {
            [
                name.clone(),
                class.share.to_string(),
                format!("{}/{}", class.completed, class.submitted),
                class.wait_ms_p50.to_string(),
                class.wait_ms_p99.to_string(),
                class.exec_ms_p50.to_string(),
            ]
        });
        let classes = table(
            [
                "class",
                "share",
                "back",
                "wait ms p50",
                "wait ms p99",
                "exec ms p50",
            ],
            rows,
        );
        let searches: String = self.search.iter().map(search_text).collect();
        format!(
            "{classes}\n\n{} submitted, {} completed, {} lost, in {:.1} s\n\nSearch by other words:\n{searches}",
            self.submitted,
            self.completed,
            self.lost,
            self.wall_ms as f64 / 1000.0,
        )
    }
}

fn search_text(search: &Search) -> String {
    let mark = if search.correct { "found" } else { "WRONG" };
    format!(
        "  {}\n    {mark} ({:.2}) {}\n",
        search.query, search.cosine, search.found
    )
}

/// The value below which that part of `sorted` lies (nearest rank); 0 of none.
pub(super) fn quantile(sorted: &[u64], part: f64) -> u64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}
