//! Lints are expected with a reason, never allowed; tests are never ignored.

use proc_macro2::{Delimiter, TokenTree};

use super::source::{Fault, Source};
use super::tokens;

/// Tokens, not syntax, so that attributes inside macro bodies count.
pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    tokens::each_level(source.tokens.clone(), &mut |level| {
        for (at, _) in level
            .iter()
            .enumerate()
            .filter(|(_, token)| tokens::is_punct(Some(token), '#'))
        {
            let inner = usize::from(tokens::is_punct(level.get(at + 1), '!'));
            if let Some(brackets) = tokens::as_group(level.get(at + 1 + inner), Delimiter::Bracket) {
                let meta: Vec<TokenTree> = brackets.stream().into_iter().collect();
                judge(source, &meta, &mut faults);
            }
        }
    });
    faults
}

fn judge(source: &Source, meta: &[TokenTree], faults: &mut Vec<Fault>) {
    let Some(TokenTree::Ident(name)) = meta.first() else {
        return;
    };
    let arguments: Vec<TokenTree> = tokens::as_group(meta.get(1), Delimiter::Parenthesis)
        .map(|group| group.stream().into_iter().collect())
        .unwrap_or_default();
    let complaint = match name.to_string().as_str() {
        "allow" => "`allow` outlives its cause; use `#[expect(.., reason = \"…\")]`",
        "expect" if !has_reason(&arguments) => "`expect` without a reason; add `reason = \"…\"`",
        "ignore" => "an ignored test proves nothing; make it run everywhere or delete it",
        "cfg_attr" => {
            let conditional = arguments
                .split(|token| tokens::is_punct(Some(token), ','))
                .skip(1);
            return conditional.for_each(|meta| judge(source, meta, faults));
        }
        _ => return,
    };
    faults.push(source.fault(name.span().start().line, complaint));
}

fn has_reason(arguments: &[TokenTree]) -> bool {
    arguments.windows(3).any(|window| match window {
        [name, equals, TokenTree::Literal(text)] => {
            tokens::is_ident(Some(name), "reason")
                && tokens::is_punct(Some(equals), '=')
                && text.to_string() != "\"\""
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::prove;

    #[test]
    fn lints_are_expected_and_never_allowed() {
        prove(faults, "src/task/class.rs", "attribute_allow");
    }

    #[test]
    fn every_expect_has_a_reason() {
        prove(faults, "tests/e2e/retry.rs", "attribute_expect");
    }

    #[test]
    fn no_test_is_ignored() {
        prove(faults, "tests/e2e/retry.rs", "attribute_ignore");
    }
}
