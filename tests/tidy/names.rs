//! Every path a file names, resolved to `crate::…` or to the external crate it starts in.
//!
//! `super::` and `self::` are followed through inline modules, and a name is followed to the `use` that
//! brought it in: `use tokio::time;` makes `time::sleep` a way to say `tokio::time::sleep`. Macro bodies are
//! read token by token; a `use` written inside one is not followed.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};

use super::source::Source;
use super::tokens;
use super::uses;

/// The crate under its own name, as `main.rs` and the tests say it.
const OWN_CRATE: &str = "fairlane";

/// One path, where it is written.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// How many leading segments were written at the `use` and not here.
    imported: usize,
    /// Whether it ends in `::*`.
    pub(crate) is_glob: bool,
}

impl Name {
    /// Whether `wanted` is named on this line: what a `use` already named is reported there, once.
    pub(crate) fn spells(&self, wanted: &[&str]) -> bool {
        let covered = self
            .segments
            .iter()
            .zip(wanted)
            .all(|(segment, wanted)| segment == wanted);
        let reaches = self.is_glob || self.segments.len() >= wanted.len();
        covered && reaches && wanted.len() > self.imported
    }
}

pub(crate) fn names(source: &Source) -> Vec<Name> {
    let module = source.module();
    let mut aliases = Aliases {
        scope: module.clone(),
        by_scope: HashMap::new(),
    };
    aliases.visit_file(&source.syntax);
    let mut reader = Reader {
        root: module.len(),
        scope: module,
        aliases: aliases.by_scope,
        names: Vec::new(),
    };
    reader.visit_file(&source.syntax);
    reader.names
}

/// What each module of the file calls the paths it imports.
type AliasTable = HashMap<(Vec<String>, String), Vec<String>>;

struct Aliases {
    scope: Vec<String>,
    by_scope: AliasTable,
}

impl<'ast> Visit<'ast> for Aliases {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.scope.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.scope.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for import in uses::imports(&item.tree) {
            // `use tokio;` says nothing new, and following it would lead back to itself.
            if let Some(alias) = import.alias.filter(|alias| *alias != import.segments[0]) {
                let target = absolute(&import.segments, &self.scope);
                self.by_scope.insert((self.scope.clone(), alias), target);
            }
        }
    }
}

struct Reader {
    /// Length of the file's own module path: the outermost scope whose aliases are known.
    root: usize,
    scope: Vec<String>,
    aliases: AliasTable,
    names: Vec<Name>,
}

impl Reader {
    fn record(&mut self, written: &[String], line: usize, is_glob: bool) {
        let (segments, imported) = match self.alias(&written[0]) {
            Some(target) => ([target, &written[1..]].concat(), target.len()),
            None => (absolute(written, &self.scope), 0),
        };
        self.names.push(Name {
            segments,
            line,
            imported,
            is_glob,
        });
    }

    /// A child module that says `use super::*` sees its parents' imports, so they are searched too.
    fn alias(&self, first: &str) -> Option<&[String]> {
        (self.root..=self.scope.len()).rev().find_map(|depth| {
            let key = (self.scope[..depth].to_vec(), first.to_owned());
            self.aliases.get(&key).map(Vec::as_slice)
        })
    }

    fn read_tokens(&mut self, stream: TokenStream) {
        tokens::each_level(stream, &mut |level| {
            for (segments, line) in tokens::paths(level) {
                self.record(&segments, line, false);
            }
        });
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.scope.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.scope.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for import in uses::imports(&item.tree)
            .iter()
            .filter(|import| !import.segments.is_empty())
        {
            self.record(&import.segments, import.line, import.is_glob());
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.record(&[item.ident.to_string()], item.ident.span().start().line, false);
    }

    /// A lone identifier in code is a local name; in an attribute (`#[serde(..)]`) it can be a crate's.
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let Some(ident) = attribute.path().get_ident() {
            self.record(&[ident.to_string()], ident.span().start().line, false);
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let written: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if written.len() > 1 {
            self.record(&written, path.segments[0].ident.span().start().line, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.read_tokens(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.read_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

/// Follows `crate`, the crate's own name, `self` and `super`; any other path stays as written.
fn absolute(written: &[String], scope: &[String]) -> Vec<String> {
    let first = written.first().map(String::as_str);
    if first == Some(OWN_CRATE) {
        return [&["crate".to_owned()], &written[1..]].concat();
    }
    if !matches!(first, Some("self" | "super")) {
        return written.to_vec();
    }
    let mut base = scope.to_vec();
    let mut rest = written;
    while let Some(step @ ("self" | "super")) = rest.first().map(String::as_str) {
        if step == "super" {
            base.pop();
        }
        rest = &rest[1..];
    }
    [&["crate".to_owned()], base.as_slice(), rest].concat()
}
