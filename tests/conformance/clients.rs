//! The interpreters and packages of the examples. Tests without them prove nothing, so they fail.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Where `deploy/clients/get-clients.sh` keeps them.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    // The script alone knows where they are: in FAIRLANE_CLIENTS, else in the cache.
    let asked = Command::new(root().join("deploy/clients/get-clients.sh"))
        .arg("--no-fetch")
        .output()
        .expect("sh runs");
    let complaint = String::from_utf8_lossy(&asked.stderr);
    assert!(
        asked.status.success(),
        "Python and Node clients are needed; run deploy/clients/get-clients.sh, as `make test` does.\n{complaint}"
    );
    PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim())
});

/// A script of `examples/`, ready to run, and the folder it needs while it does.
pub(crate) struct Script {
    pub(crate) interpreter: PathBuf,
    pub(crate) path: PathBuf,
    pub(crate) _folder: Option<tempfile::TempDir>,
}

/// `examples/python/<name>`.
pub(crate) fn python(name: &str) -> Script {
    Script {
        interpreter: FOLDER.join("python"),
        path: root().join("examples/python").join(name),
        _folder: None,
    }
}

/// `examples/node/<name>`, copied: Node looks for packages beside a script, and they are in the cache.
pub(crate) fn node(name: &str) -> Script {
    let folder = tempfile::tempdir().expect("there is a place for temporary folders");
    let path = folder.path().join(name);
    std::fs::copy(root().join("examples/node").join(name), &path).expect("the example is there");
    let packages = folder.path().join("node_modules");
    std::os::unix::fs::symlink(FOLDER.join("node_modules"), packages).expect("it can be linked");
    Script {
        interpreter: FOLDER.join("node"),
        path,
        _folder: Some(folder),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
