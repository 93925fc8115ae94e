//! Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body.

use std::path::Path;
use std::{fmt, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What stands before a key in text.
const PREFIX: &str = "whsec_";
/// The fewest and the most bytes of a key, by the specification.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

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
    #[cfg(unix)]
    #[error("the callback key {path} can be read by others; run chmod 600 {path}")]
    Open {
        /// Which file.
        path: String,
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

/// What deliveries are signed with. It is never shown.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a key: `whsec_` and 24 to 64 bytes in base64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim().strip_prefix(PREFIX)?).ok()?;
        BYTES.contains(&bytes.len()).then_some(Self(bytes))
    }

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
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(KeyError::Open { path: shown });
            }
        }
        Self::parse(&text).ok_or(KeyError::NoKey { path: shown })
    }

    /// The value of `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, at_s: i64, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0);
        let mut mac = mac.unwrap_or_else(|error| unreachable!("HMAC takes keys of any length: {error}"));
        for part in [id.as_bytes(), b".", at_s.to_string().as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the specification's own libraries.
    #[test]
    fn the_signature_is_that_of_the_specifications_example() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = key.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_keys_of_the_right_length_are_taken_and_none_is_shown() {
        for bad in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_AAAA",
            "whsec_%",
        ] {
            assert!(SigningKey::parse(bad).is_none(), "{bad}");
        }
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey");
    }

    #[test]
    #[cfg(unix)]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
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
