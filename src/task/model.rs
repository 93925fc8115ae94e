//! A model's name as people write it, and the token it travels under.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::NameError;

/// A model's real name, such as `BAAI/bge-m3`: 1 to 160 bytes, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// The longest allowed, in bytes: with the longest class and shard its token still fits into a
    /// consumer's name, which the server bounds at 255 bytes.
    pub const MAX_LEN: usize = 160;

    /// Checks `text` and keeps it.
    ///
    /// # Errors
    /// [`NameError`] when it is empty, too long, or has a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let (what, max) = ("model", Self::MAX_LEN);
        if text.is_empty() {
            return Err(NameError::Empty { what, max });
        }
        if text.len() > max {
            return Err(NameError::TooLong {
                what,
                len: text.len(),
                max,
            });
        }
        match text.char_indices().find(|(_, c)| c.is_control()) {
            Some((at, found)) => Err(NameError::BadByte { what, found, at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The subject token: every byte outside `[A-Za-z0-9_-]` becomes `_`, and if anything
    /// changed, `-` and the first 8 hex digits of SHA-256 of the name keep two names apart.
    #[must_use]
    pub fn token(&self) -> ModelToken {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if self.0.bytes().all(legal) {
            return ModelToken(self.0.clone());
        }
        let mut token: String = self
            .0
            .bytes()
            .map(|b| if legal(b) { char::from(b) } else { '_' })
            .collect();
        token.push('-');
        for byte in &Sha256::digest(self.0.as_bytes())[..4] {
            token.push_str(&format!("{byte:02x}"));
        }
        ModelToken(token.into())
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A model as a subject token; see [`ModelName::token`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelToken(Arc<str>);

impl ModelToken {
    /// The longest possible, in bytes: the longest name, `-` and 8 hex digits.
    pub const MAX_LEN: usize = ModelName::MAX_LEN + 9;

    /// Takes a token as read off a subject.
    ///
    /// # Errors
    /// [`NameError`] when it is no legal token.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let (what, max) = ("model token", Self::MAX_LEN);
        if text.is_empty() {
            return Err(NameError::Empty { what, max });
        }
        if text.len() > max {
            return Err(NameError::TooLong {
                what,
                len: text.len(),
                max,
            });
        }
        match text
            .char_indices()
            .find(|(_, c)| !(c.is_ascii_alphanumeric() || *c == '_' || *c == '-'))
        {
            Some((at, found)) => Err(NameError::BadByte { what, found, at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&ModelToken> for ModelName {
    /// The token as a name of its own, for want of the real one. It is its own token.
    fn from(token: &ModelToken) -> Self {
        Self(token.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_name_is_its_own_token_and_others_carry_a_digest() {
        let token = |name: &str| ModelName::new(name).unwrap().token().as_str().to_owned();
        assert_eq!(token("all-MiniLM-L6-v2"), "all-MiniLM-L6-v2");
        assert_eq!(token("BAAI/bge.m3"), "BAAI_bge_m3-7ed58e63");
        assert_ne!(token("a.b"), token("a/b"));
    }

    #[test]
    fn the_token_of_the_longest_name_reads_back() {
        let token = ModelName::new(&"/".repeat(ModelName::MAX_LEN)).unwrap().token();
        assert_eq!(ModelToken::new(token.as_str()), Ok(token));
        assert!(ModelToken::new(&"x".repeat(ModelToken::MAX_LEN + 1)).is_err());
    }
}
