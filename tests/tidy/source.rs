//! One parsed file, the fault a rule reports on it, and the walk over the tree.

use std::fmt;
use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;

/// Texts that break the rules on purpose; the walk leaves them out.
pub(crate) const FIXTURES: &str = "tests/tidy/fixtures/";

/// What is wrong at one line and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A file as text, as tokens (macro bodies included) and as syntax (macro bodies opaque).
pub(crate) struct Source {
    /// Relative to the package root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: TokenStream,
    pub(crate) syntax: syn::File,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, Fault> {
        let unreadable =
            |line, error: String| Fault::new(path, line, format!("does not parse ({error}); fix the syntax"));
        let tokens: TokenStream = text
            .parse()
            .map_err(|e: proc_macro2::LexError| unreadable(e.span().start().line, e.to_string()))?;
        let syntax = syn::parse2(tokens.clone())
            .map_err(|e: syn::Error| unreadable(e.span().start().line, e.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            syntax,
        })
    }

    pub(crate) fn fault(&self, line: usize, message: impl Into<String>) -> Fault {
        Fault::new(&self.path, line, message)
    }

    pub(crate) fn is_in_src(&self) -> bool {
        self.path.starts_with("src/")
    }

    pub(crate) fn is_in_tests(&self) -> bool {
        self.path.starts_with("tests/")
    }

    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The module the file holds: `src/task/state.rs` is `[task, state]`, a crate root is `[]`.
    pub(crate) fn module(&self) -> Vec<String> {
        let Some(inside) = self
            .path
            .strip_prefix("src/")
            .and_then(|path| path.strip_suffix(".rs"))
        else {
            return Vec::new();
        };
        match inside {
            "lib" | "main" => Vec::new(),
            _ => inside
                .strip_suffix("/mod")
                .unwrap_or(inside)
                .split('/')
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Whether the file is `module` or lies below it.
    pub(crate) fn is_within(&self, module: &[&str]) -> bool {
        let own = self.module();
        own.len() >= module.len() && own.iter().zip(module).all(|(own, wanted)| own == wanted)
    }
}

/// Every `.rs` file under `src/` and `tests/`, and a fault for each that cannot be read.
pub(crate) fn tree() -> (Vec<Source>, Vec<Fault>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests"] {
        collect(root, folder, &mut paths);
    }
    paths.sort();

    let (mut sources, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        match read(root, &path) {
            Ok(source) => sources.push(source),
            Err(fault) => faults.push(fault),
        }
    }
    (sources, faults)
}

/// Parses the file at `path` below `root`.
fn read(root: &Path, path: &str) -> Result<Source, Fault> {
    let text = fs::read_to_string(root.join(path)).map_err(|e| {
        Fault::new(
            path,
            1,
            format!("cannot be read ({e}); keep sources plain UTF-8 files"),
        )
    })?;
    Source::parse(path, &text)
}

fn collect(root: &Path, folder: &str, paths: &mut Vec<String>) {
    let entries = fs::read_dir(root.join(folder)).expect("src/ and tests/ can be listed");
    for entry in entries {
        let entry = entry.expect("a listed entry can be read");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            if format!("{path}/") != FIXTURES {
                collect(root, &path, paths);
            }
        } else if path.ends_with(".rs") {
            paths.push(path);
        }
    }
}
