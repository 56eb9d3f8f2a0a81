//! Keys that tokens are signed with, and which of them a token is checked with.
//!
//! **Invariant**: the algorithm is the key's. What a token's header says of it can only make the
//! token refused.

use std::collections::HashSet;

use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;

/// Longest set read. A key takes some 500 bytes, and a set has a handful.
pub const SET_BYTES: usize = 256 << 10;
/// Bytes of an RSA modulus: 2048 to 4096 bits. Shorter is not safe, longer costs too much to check.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// Bytes of an RSA exponent; 65537 is usual, and a huge one only costs time.
const EXPONENT_BYTES: usize = 4;

/// Which key it was; two are the same when their material is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyName {
    /// The shared secret of the configuration.
    Secret,
    /// A key of the published set.
    Published {
        /// The name that tokens call it by.
        kid: Option<String>,
        /// The public key, as published.
        material: String,
    },
}

/// A key with the one algorithm it is for.
pub struct Key {
    /// Which it is.
    pub name: KeyName,
    /// What it verifies.
    pub algorithm: Algorithm,
    /// For the library.
    pub decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Key {
    /// A secret shared with whoever signs.
    pub fn secret(secret: &str) -> Self {
        let decoding = DecodingKey::from_secret(secret.as_bytes());
        Self { name: KeyName::Secret, algorithm: Algorithm::HS256, decoding }
    }

    fn kid(&self) -> Option<&str> {
        match &self.name {
            KeyName::Secret => None,
            KeyName::Published { kid, .. } => kid.as_deref(),
        }
    }
}

/// The keys that an identity provider publishes.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Why keys were left out.
    pub left_out: Vec<String>,
}

/// Why a text is no key set: it is not JSON with `keys`, or two of its keys have one name.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// It is something else; publish a JWK set.
    #[error("it is no JWK set: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is longer than any set; check what is published there.
    #[error("it is longer than {SET_BYTES} bytes")]
    TooLong,
    /// Two keys have the same `kid`; give each its own.
    #[error("two keys have the kid \"{0}\"")]
    Ambiguous(String),
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot check tokens are left out.
    ///
    /// # Errors
    /// When it is no set, or does not say which key a token means.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > SET_BYTES {
            return Err(KeySetError::TooLong);
        }
        let published: Published = serde_json::from_slice(bytes)?;
        let mut set = Self::default();
        let mut seen = HashSet::new();
        for jwk in published.keys {
            if let Some(kid) = &jwk.kid
                && !seen.insert(kid.clone())
            {
                return Err(KeySetError::Ambiguous(kid.clone()));
            }
            match key(&jwk) {
                Ok(key) => set.keys.push(key),
                Err(why) => {
                    set.left_out.push(format!("{}: {why}", jwk.kid.as_deref().unwrap_or("no kid")));
                }
            }
        }
        Ok(set)
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid() == Some(kid))
    }

    /// The only key, for tokens that name none.
    pub fn only(&self) -> Option<&Key> {
        if let [key] = self.keys.as_slice() { Some(key) } else { None }
    }

    /// Whether a key is still one of them.
    pub fn holds(&self, name: &KeyName) -> bool {
        self.keys.iter().any(|key| key.name == *name)
    }
}

fn key(jwk: &Jwk) -> Result<Key, &'static str> {
    const BROKEN: &str = "its numbers cannot be read";
    if jwk.d.is_some() {
        return Err("it is a private key; publish only the public half");
    }
    if jwk.r#use.as_deref().is_some_and(|one| one != "sig")
        || jwk.key_ops.as_ref().is_some_and(|all| !all.iter().any(|one| one == "verify"))
    {
        return Err("it is not for signatures");
    }
    let (algorithm, decoding, material) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("EC", Some("P-256")) => {
            let (x, y) = jwk.x.as_deref().zip(jwk.y.as_deref()).ok_or(BROKEN)?;
            let decoding = DecodingKey::from_ec_components(x, y).map_err(|_| BROKEN)?;
            (Algorithm::ES256, decoding, format!("EC {x} {y}"))
        }
        ("RSA", _) => {
            let (n, e) = jwk.n.as_deref().zip(jwk.e.as_deref()).ok_or(BROKEN)?;
            let decoding = DecodingKey::from_rsa_components(n, e).map_err(|_| BROKEN)?;
            if let DecodingKeyKind::RsaModulusExponent { n, e } = decoding.kind()
                && (!MODULUS_BYTES.contains(&n.len()) || e.len() > EXPONENT_BYTES)
            {
                return Err("an RSA key must have 2048 to 4096 bits and a short exponent");
            }
            (Algorithm::RS256, decoding, format!("RSA {n} {e}"))
        }
        // A symmetric key in a published set is no secret.
        ("oct", _) => return Err("a shared secret does not belong into a published set"),
        _ => return Err("only EC keys on P-256 and RSA keys are supported"),
    };
    let fits = match algorithm {
        Algorithm::ES256 => "ES256",
        _ => "RS256",
    };
    if jwk.alg.as_deref().is_some_and(|alg| alg != fits) {
        return Err("only ES256 and RS256 are supported");
    }
    // A point that is not on the curve is found by using it.
    verify("", b"", &decoding, algorithm).map_err(|_| BROKEN)?;
    let name = KeyName::Published { kid: jwk.kid.clone(), material };
    Ok(Key { name, algorithm, decoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_cannot_check_tokens_are_left_out_with_a_reason() {
        let text = r#"{"keys": [
            {"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256"},
            {"kty": "OKP", "kid": "edwards", "crv": "Ed25519", "x": "AAAA"},
            {"kty": "EC", "kid": "off", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
            {"kty": "EC", "kid": "half", "crv": "P-256", "x": "AAAA"},
            {"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "kid": "sealing", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "kid": "private", "n": "AQAB", "e": "AQAB", "d": "AQAB"}
        ]}"#;
        let set = KeySet::parse(text.as_bytes()).expect("a set");
        assert!(set.is_empty());
        assert_eq!(set.left_out.len(), 7, "{:?}", set.left_out);
    }

    #[test]
    fn a_set_that_does_not_say_which_key_is_meant_is_none() {
        let twice = r#"{"keys": [{"kty": "RSA", "kid": "a"}, {"kty": "RSA", "kid": "a"}]}"#;
        assert!(matches!(KeySet::parse(twice.as_bytes()), Err(KeySetError::Ambiguous(_))));
        assert!(matches!(KeySet::parse(b"<html>"), Err(KeySetError::Malformed(_))));
        assert!(matches!(KeySet::parse(&vec![b' '; SET_BYTES + 1]), Err(KeySetError::TooLong)));
        assert!(KeySet::parse(br#"{"keys": []}"#).expect("a set").is_empty());
    }
}
