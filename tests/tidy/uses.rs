//! A `use` tree flattened into the single paths it imports.

use syn::UseTree;

/// One path of a `use`: `use a::{b, c as d, e::*}` has three.
pub(crate) struct Import {
    /// As written, without a closing `self`.
    pub(crate) segments: Vec<String>,
    /// What the path is called from here on; nothing for a glob.
    pub(crate) alias: Option<String>,
    pub(crate) line: usize,
}

impl Import {
    pub(crate) fn is_glob(&self) -> bool {
        self.alias.is_none()
    }
}

pub(crate) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    flatten(tree, &mut Vec::new(), &mut found);
    found
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, found)),
        UseTree::Name(name) => found.push(leaf(prefix, &name.ident, None)),
        UseTree::Rename(rename) => found.push(leaf(prefix, &rename.ident, Some(&rename.rename))),
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            found.push(Import {
                segments: prefix.clone(),
                alias: None,
                line,
            });
        }
    }
}

fn leaf(prefix: &[String], ident: &syn::Ident, rename: Option<&syn::Ident>) -> Import {
    let mut segments = prefix.to_vec();
    if ident != "self" || segments.is_empty() {
        segments.push(ident.to_string());
    }
    let alias = rename
        .map(ToString::to_string)
        .or_else(|| segments.last().cloned());
    Import {
        segments,
        alias,
        line: ident.span().start().line,
    }
}
