//! No promises in the source: work that is left stands in the tracker, not in a comment or a panic.

use proc_macro2::TokenTree;

use super::source::{Fault, Source};
use super::tokens;

const WORDS: &[&str] = &["TODO", "FIXME", "XXX"];
const MACROS: &[&str] = &["todo", "unimplemented"];

pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    if !source.is_in_src() {
        return Vec::new();
    }
    let mut faults = marked_lines(source);
    tokens::each_level(source.tokens.clone(), &mut |level| {
        for window in level.windows(3) {
            if let [TokenTree::Ident(name), bang, TokenTree::Group(_)] = window
                && tokens::is_punct(Some(bang), '!')
                && MACROS.iter().any(|promise| name == promise)
            {
                let message =
                    format!("`{name}!` stands for code that is missing; write it or return an error");
                faults.push(source.fault(name.span().start().line, message));
            }
        }
    });
    faults
}

fn marked_lines(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(source.text.lines()) {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(word) = words.find(|word| WORDS.contains(word)) {
            faults.push(source.fault(
                number,
                format!("`{word}` left in the source; do it now or file it"),
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{passes, prove};

    #[test]
    fn the_source_holds_no_promises() {
        prove(faults, "src/task/class.rs", "marker_promise");
        passes(faults, "tests/e2e/retry.rs", "marker_promise_bad");
    }
}
