//! Did you mean …? The known word nearest to a mistyped one.

/// The first of `known` with the least edit distance to `word`, if that is at most a third of its length.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word longer than any key cannot be near one; bounds the quadratic distance.
    if word.len() > 64 {
        return None;
    }
    let (distance, best) = known
        .into_iter()
        .map(|k| (distance(word, k), k))
        .min_by_key(|(d, _)| *d)?;
    (distance <= (best.len() / 3).max(1)).then_some(best)
}

/// Levenshtein: insertions, deletions and substitutions of one character.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = ["share", "priority", "max_concurrent", "shards"];
        assert_eq!(nearest("shar", known), Some("share"));
        assert_eq!(nearest("prioriti", known), Some("priority"));
        assert_eq!(nearest("max_concurrency", known), Some("max_concurrent"));
        assert_eq!(nearest("color", known), None);
        assert_eq!(nearest(&"s".repeat(1000), known), None);
    }
}
