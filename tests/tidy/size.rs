//! Files of at most 400 lines without their test module, functions of at most 70.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, TokenTree};
use syn::spanned::Spanned;

use super::source::{Fault, Source};
use super::tokens;

struct Limits {
    file_lines_max: usize,
    function_lines_max: usize,
}

const LIMITS: Limits = Limits {
    file_lines_max: 400,
    function_lines_max: 70,
};

pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    faults_over(source, &LIMITS)
}

fn faults_over(source: &Source, limits: &Limits) -> Vec<Fault> {
    let mut faults = long_functions(source, limits.function_lines_max);
    faults.extend(long_file(source, limits.file_lines_max));
    faults
}

/// Reported at the first line too many.
fn long_file(source: &Source, lines_max: usize) -> Option<Fault> {
    let tests = test_modules(source);
    let counts = |line: &usize| !tests.iter().any(|module| module.contains(line));
    let counted: Vec<usize> = (1..=source.text.lines().count()).filter(counts).collect();
    let first_over = *counted.get(lines_max)?;
    let message = format!(
        "the file has {} lines without its test module, of {lines_max} allowed; split it by duty",
        counted.len()
    );
    Some(source.fault(first_over, message))
}

fn test_modules(source: &Source) -> Vec<RangeInclusive<usize>> {
    let items = source.syntax.items.iter();
    let modules = items.filter_map(|item| match item {
        syn::Item::Mod(module) if module.attrs.iter().any(is_cfg_test) => Some(module.span()),
        _ => None,
    });
    modules.map(|span| span.start().line..=span.end().line).collect()
}

/// `#[cfg(test)]`, or `#[cfg(all(test, …))]`.
fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    if !list.path.is_ident("cfg") {
        return false;
    }
    let mut condition: Vec<TokenTree> = list.tokens.clone().into_iter().collect();
    if tokens::is_ident(condition.first(), "all")
        && let Some(group) = tokens::as_group(condition.get(1), Delimiter::Parenthesis)
    {
        condition = group.stream().into_iter().collect();
        return condition
            .iter()
            .any(|token| tokens::is_ident(Some(token), "test"));
    }
    tokens::is_ident(condition.first(), "test")
}

/// Counts from `fn` to the closing brace, so neither docs nor attributes weigh. Tokens, not syntax: a
/// `proptest!` body is full of functions the parser does not see.
fn long_functions(source: &Source, lines_max: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    tokens::each_level(source.tokens.clone(), &mut |level| {
        for (name, lines) in functions(level) {
            let length = lines.end() - lines.start() + 1;
            if length > lines_max {
                let message = format!(
                    "`fn {name}` has {length} lines, of {lines_max} allowed; name a part of it and move it out"
                );
                faults.push(source.fault(*lines.start(), message));
            }
        }
    });
    faults
}

fn functions(level: &[TokenTree]) -> Vec<(String, RangeInclusive<usize>)> {
    let mut found = Vec::new();
    for (at, token) in level.iter().enumerate() {
        let Some(TokenTree::Ident(name)) = level.get(at + 1) else {
            continue;
        };
        if !tokens::is_ident(Some(token), "fn") {
            continue;
        }
        let signature_end = level[at..].iter().find_map(|token| match token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => Some(None),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(Some(group)),
            _ => None,
        });
        if let Some(Some(body)) = signature_end {
            found.push((
                name.to_string(),
                tokens::line_of(token)..=body.span_close().end().line,
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::prove;

    fn over_small_limits(source: &Source) -> Vec<Fault> {
        faults_over(
            source,
            &Limits {
                file_lines_max: 12,
                function_lines_max: 4,
            },
        )
    }

    fn over_limits(text: &str) -> Vec<usize> {
        let source = Source::parse("src/task/state.rs", text).expect("the text parses");
        faults(&source).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_file_is_measured_without_its_test_module() {
        prove(over_small_limits, "src/task/state.rs", "size_file");
    }

    #[test]
    fn functions_methods_tests_and_macro_bodies_are_measured() {
        prove(over_small_limits, "src/task/state.rs", "size_function");
    }

    #[test]
    fn the_four_hundred_and_first_line_is_one_too_many() {
        let full = "//! States.\n".to_owned() + &"\n".repeat(399);

        assert_eq!(over_limits(&full), []);
        assert_eq!(
            over_limits(&(full.clone() + "#[cfg(test)]\nmod tests {\n}\n")),
            []
        );
        assert_eq!(over_limits(&(full + "mod tests {}\n")), [401]);
    }

    #[test]
    fn the_seventy_first_line_of_a_function_is_one_too_many() {
        let of = |lines: usize| format!("//! States.\n\nfn next() {{\n{}}}\n", "\n".repeat(lines - 2));

        assert_eq!(over_limits(&of(70)), []);
        assert_eq!(over_limits(&of(71)), [3]);
    }
}
