//! Reading raw tokens, for what syntax hides: macro bodies are opaque to the parser but not to a rule.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Calls `visit` with each run of sibling tokens: the top level, then the inside of every bracket pair.
pub(crate) fn each_level(tokens: TokenStream, visit: &mut dyn FnMut(&[TokenTree])) {
    let level: Vec<TokenTree> = tokens.into_iter().collect();
    visit(&level);
    for token in level {
        if let TokenTree::Group(group) = token {
            each_level(group.stream(), visit);
        }
    }
}

pub(crate) fn line_of(token: &TokenTree) -> usize {
    token.span().start().line
}

pub(crate) fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

pub(crate) fn is_ident(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == wanted)
}

pub(crate) fn as_group(token: Option<&TokenTree>, wanted: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == wanted => Some(group),
        _ => None,
    }
}

/// The `a::b::c` paths of one level, with their lines; a lone identifier is no path.
pub(crate) fn paths(level: &[TokenTree]) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < level.len() {
        let start = at;
        let mut segments = Vec::new();
        while let Some(TokenTree::Ident(ident)) = level.get(at) {
            segments.push(ident.to_string());
            at += 1;
            let followed = is_punct(level.get(at), ':') && is_punct(level.get(at + 1), ':');
            if !followed || !matches!(level.get(at + 2), Some(TokenTree::Ident(_))) {
                break;
            }
            at += 2;
        }
        if segments.len() > 1 {
            found.push((segments, line_of(&level[start])));
        }
        at = at.max(start + 1);
    }
    found
}
