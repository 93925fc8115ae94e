//! The file a key is kept in: its owner alone may read it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::SigningKey;
use super::signature::FRESH_BYTES;

/// A key file that cannot be used. Its content is never shown.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot read the callback key {path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Others can read it.
    #[error("the callback key {path} can be read by others; run chmod 600 {path}")]
    Open {
        /// Which file.
        path: String,
    },
    /// None can be made.
    #[error("cannot make the callback key {path}: {source}")]
    Unmade {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It holds no key.
    #[error(
        "{path} holds no callback key; write one with (printf whsec_; head -c 32 /dev/urandom | base64) > {path}"
    )]
    NoKey {
        /// Which file.
        path: String,
    },
}

impl SigningKey {
    /// Reads the key in a file that only its owner may read.
    ///
    /// # Errors
    /// [`KeyError`], which says what to do.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let shown = path.display().to_string();
        let unreadable = |source| KeyError::Unreadable {
            path: shown.clone(),
            source,
        };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: shown });
        }
        Self::parse(&text).ok_or(KeyError::NoKey { path: shown })
    }

    /// Reads the key in a file, or makes one there.
    ///
    /// # Errors
    /// [`KeyError`], which says what to do.
    pub fn load_or_make(path: &Path) -> Result<Self, KeyError> {
        match make(path) {
            // It is there; what it holds is for `load` to judge.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            made => made.map_err(|source| KeyError::Unmade {
                path: path.display().to_string(),
                source,
            })?,
        }
        Self::load(path)
    }
}

fn make(path: &Path) -> io::Result<()> {
    let mut bytes = [0; FRESH_BYTES];
    let provider = rustls::crypto::ring::default_provider();
    provider
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(SigningKey::write(&bytes).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_made_is_read_again_and_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("key"), folder.path().join("other"));
        let sign = |path: &Path| SigningKey::load_or_make(path).unwrap().sign("id", 1, b"");
        let first = sign(&path);
        assert_eq!(sign(&path), first);
        assert_ne!(sign(&other), first, "two keys are never the same");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let nowhere = SigningKey::load_or_make(&folder.path().join("none/key"));
        assert!(matches!(nowhere, Err(KeyError::Unmade { .. })));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert!(SigningKey::load(file.path()).is_ok());
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            SigningKey::load(file.path()),
            Err(KeyError::Open { .. })
        ));
    }
}
