//! Random secrets and their hashes.
//!
//! Invariant: a secret has 256 random bits, so that its plain SHA-256 is safe to store; it is compared in constant time, and its
//! text leaves this module only inside [`Secret`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::Secret;

/// Before every token, so that secret scanners and people know one when they see it.
const PREFIX: &str = "tocsin";
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Random bytes of an id.
const ID_BYTES: usize = 8;
/// Longest text that is looked at as a token.
const MAX_TEXT: usize = 128;

/// The system's source of randomness does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

/// SHA-256 of a secret, as it is stored: 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(String);

impl Hash {
    /// The hash of a secret's text.
    pub fn of(text: &str) -> Self {
        Self(hex(&Sha256::digest(text.as_bytes())))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the stored one, in a time that does not depend on where they differ.
    pub fn is(&self, stored: &str) -> bool {
        self.0.as_bytes().ct_eq(stored.as_bytes()).into()
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(crate::config::MASK)
    }
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// A public id of 64 random bits.
pub fn new_id() -> Result<String, NoRandomness> {
    Ok(hex(&random::<ID_BYTES>()?))
}

/// 256 random bits, base64url.
pub fn new_secret() -> Result<Secret, NoRandomness> {
    Ok(Secret::new(
        URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?),
    ))
}

/// A token's text: `tocsin_<id>_<secret>`.
pub fn token_text(id: &str, secret: &Secret) -> Secret {
    Secret::new(format!("{PREFIX}_{id}_{}", secret.expose()))
}

/// Id and hash of what may be a token's text; the hash is of the whole text.
pub fn read_token(text: &str) -> Option<(&str, Hash)> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let rest = text.strip_prefix(PREFIX)?.strip_prefix('_')?;
    let (id, secret) = rest.split_once('_')?;
    let is_id = id.len() == 2 * ID_BYTES && id.bytes().all(|b| b.is_ascii_hexdigit());
    (is_id && !secret.is_empty()).then(|| (id, Hash::of(text)))
}

/// The CSRF token of a session: HMAC-SHA-256 under the session's secret, so that only who holds the cookie's page knows it and
/// nothing has to be stored.
pub fn csrf_of(session: &str) -> String {
    // A key of any length is one.
    match Hmac::<Sha256>::new_from_slice(session.as_bytes()) {
        Ok(mut mac) => {
            mac.update(b"tocsin console csrf");
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

/// Whether a CSRF token is the session's, in constant time. An empty one never is.
pub fn same_csrf(given: &str, expected: &str) -> bool {
    !expected.is_empty() && given.as_bytes().ct_eq(expected.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_again_by_its_text_only() {
        let (id, secret) = (new_id().unwrap(), new_secret().unwrap());
        let text = token_text(&id, &secret);
        assert_eq!(text.expose().len(), 7 + 16 + 1 + 43);
        let (found, hash) = read_token(text.expose()).unwrap();
        assert_eq!(found, id);
        assert!(hash.is(Hash::of(text.expose()).as_str()));
        assert!(!hash.is(Hash::of(&format!("{}x", text.expose())).as_str()));
        assert!(!hash.is(""));
        assert_ne!(new_secret().unwrap(), secret);
        for wrong in [
            "",
            "tocsin",
            "tocsin_",
            "tocsin__",
            "tocsin_0123456789abcdef_",
            "tocsin_0123456789abcdeg_x",
            "x_0123456789abcdef_x",
        ] {
            assert!(read_token(wrong).is_none(), "{wrong}");
        }
        assert!(read_token(&format!("tocsin_0123456789abcdef_{}", "x".repeat(200))).is_none());
    }

    #[test]
    fn the_hash_is_the_standards() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::of("abc").as_str(), expected);
        assert_eq!(format!("{:?}", Hash::of("abc")), crate::config::MASK);
    }

    #[test]
    fn csrf_belongs_to_its_session() {
        let token = csrf_of("session one");
        assert!(same_csrf(&token, &csrf_of("session one")));
        assert!(!same_csrf(&token, &csrf_of("session two")));
        assert!(!same_csrf("", "") && !same_csrf("", &token));
    }
}
