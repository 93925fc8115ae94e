//! A model's name as people write it, and the token it travels under.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::NameError;

/// A model's real name, such as `BAAI/bge-m3`: 1 to 200 bytes, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// The longest allowed, in bytes.
    pub const MAX_LEN: usize = 200;

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
    /// Takes a token as read off a subject.
    ///
    /// # Errors
    /// [`NameError`] when it is no legal token.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let name = ModelName::new(text)?;
        let token = name.token();
        match text
            .char_indices()
            .find(|(_, c)| !(c.is_ascii_alphanumeric() || *c == '_' || *c == '-'))
        {
            Some((at, found)) => Err(NameError::BadByte {
                what: "model token",
                found,
                at,
            }),
            None => Ok(token),
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
}
