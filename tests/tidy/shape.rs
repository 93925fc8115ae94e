//! What a module file looks like: it says what it is for, `mod.rs` and `lib.rs` hold no logic, and no file
//! is a drawer for odds and ends.

use syn::Item;
use syn::spanned::Spanned;

use super::source::{Fault, Source};

/// Names that say nothing about the duty of what is inside.
const DRAWERS: &[&str] = &["util", "helpers", "common", "types"];

pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(missing_doc(source));
    faults.extend(drawer(source));
    faults.extend(logic_in_module_list(source));
    faults
}

fn missing_doc(source: &Source) -> Option<Fault> {
    let says = source.text.starts_with("//!");
    (!says).then(|| source.fault(1, "does not start with a `//!` doc; say what the module is for"))
}

/// A folder is a module too, so `util/mod.rs` is no way round.
fn drawer(source: &Source) -> Option<Fault> {
    let stems = source
        .path
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let drawer = stems.into_iter().find(|stem| DRAWERS.contains(stem))?;
    Some(source.fault(
        1,
        format!("`{drawer}` names no duty; name the module after what it is for"),
    ))
}

fn logic_in_module_list(source: &Source) -> Vec<Fault> {
    let may_import = match source.path.as_str() {
        "src/lib.rs" => false,
        _ if source.file_name() == "mod.rs" => true,
        _ => return Vec::new(),
    };
    let message = if may_import {
        "mod.rs holds only docs, `mod x;` and `use`; move this to a file of its own"
    } else {
        "lib.rs only declares modules; move this to the module it belongs to"
    };
    let allowed = |item: &&Item| match item {
        Item::Mod(module) => module.content.is_none(),
        Item::Use(_) => may_import,
        _ => false,
    };
    let others = source.syntax.items.iter().filter(|item| !allowed(item));
    others
        .map(|item| source.fault(first_line(item), message))
        .collect()
}

/// Where the item itself starts, below its docs and attributes.
fn first_line(item: &Item) -> usize {
    let start = match item {
        Item::Fn(item) => item.sig.span(),
        Item::Impl(item) => item.impl_token.span(),
        Item::Mod(item) => item.mod_token.span(),
        Item::Struct(item) => item.struct_token.span(),
        Item::Enum(item) => item.enum_token.span(),
        other => other.span(),
    };
    start.start().line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{passes, prove, reports};

    #[test]
    fn a_file_starts_by_saying_what_it_is_for() {
        prove(faults, "src/task/class.rs", "shape_doc");
    }

    #[test]
    fn mod_rs_holds_no_logic() {
        prove(faults, "src/task/mod.rs", "shape_mod");
    }

    #[test]
    fn lib_rs_only_declares_modules() {
        prove(faults, "src/lib.rs", "shape_lib");
    }

    #[test]
    fn a_module_is_not_a_drawer() {
        for path in [
            "src/task/util.rs",
            "src/helpers.rs",
            "tests/common/retry.rs",
            "src/wire/types/v1.rs",
        ] {
            reports(faults, path, "shape_drawer_bad");
        }
        passes(faults, "src/wire/utilisation.rs", "shape_drawer_good");
    }
}
