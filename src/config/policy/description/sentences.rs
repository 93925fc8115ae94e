//! What each option is, in a sentence, and the unit it is counted in: `sentences.txt`, by pattern.

const SENTENCES: &str = include_str!("sentences.txt");

/// The mappings that have the same options, each with the pattern under which those are described. The first that
/// fits counts.
const SHARED: [(&str, &str); 7] = [
    ("lanes.core", "lanes.LANE"),
    ("lanes.normal", "lanes.LANE"),
    ("classes.NAME.rate", "rate"),
    ("models.NAME.rate", "rate"),
    ("classes.NAME.retry.on.KIND", "retry"),
    ("classes.NAME.retry", "retry"),
    ("retry.on.KIND", "retry"),
];

/// What one option is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config::policy) struct Sentence {
    /// Under which pattern it is described.
    pub(super) pattern: &'static str,
    pub(in crate::config::policy) unit: Option<&'static str>,
    pub(in crate::config::policy) what: &'static str,
}

/// Every sentence, in the order of the file.
pub(super) fn sentences() -> impl Iterator<Item = Sentence> {
    let mut lines = SENTENCES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    std::iter::from_fn(move || {
        let (head, what) = (lines.next()?, lines.next()?);
        let (pattern, unit) = match head.strip_suffix(']').and_then(|head| head.split_once(" [")) {
            Some((pattern, unit)) => (pattern, Some(unit)),
            None => (head, None),
        };
        Some(Sentence {
            pattern,
            unit,
            what: what.trim_start(),
        })
    })
}

/// The sentence of the option with that pattern.
pub(in crate::config::policy) fn sentence(pattern: &str) -> Option<Sentence> {
    let pattern = if pattern.is_empty() { "document" } else { pattern };
    let of = |wanted: &str| sentences().find(|sentence| sentence.pattern == wanted);
    of(pattern).or_else(|| of(&home(pattern)))
}

/// Whether several mappings have the options of this one.
pub(super) fn is_shared(pattern: &str) -> bool {
    SHARED
        .iter()
        .any(|(member, home)| *member == pattern || *home == pattern)
}

/// The pattern under which an option is described that several mappings have.
pub(super) fn home(pattern: &str) -> String {
    let shared = SHARED.iter().find_map(|(member, home)| {
        let rest = pattern.strip_prefix(member)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{home}{rest}"))
    });
    shared.unwrap_or_else(|| pattern.to_owned())
}

impl Sentence {
    /// Its first clause, to stand in the middle of another sentence.
    pub(in crate::config::policy) fn clause(&self) -> String {
        let mut in_code = false;
        let end = self.what.char_indices().find(|(at, c)| {
            in_code ^= *c == '`';
            let last = self.what[at + c.len_utf8()..]
                .chars()
                .next()
                .is_none_or(char::is_whitespace);
            !in_code && last && matches!(c, '.' | ':' | ';')
        });
        let clause = &self.what[..end.map_or(self.what.len(), |(at, _)| at)];
        let mut letters = clause.chars();
        match letters.next() {
            Some(first) => first.to_lowercase().chain(letters).collect(),
            None => String::new(),
        }
    }
}
