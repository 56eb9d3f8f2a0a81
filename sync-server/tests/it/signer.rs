//! Whoever signs tokens, with keys made for the test, and whoever forges them.

use jsonwebtoken::{Algorithm, EncodingKey};
use p256::ecdsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

pub(crate) enum Signer {
    Elliptic(p256::ecdsa::SigningKey),
    Rsa(Box<rsa::RsaPrivateKey>),
    Secret(Vec<u8>),
}

/// Base64 with the URL alphabet and no padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// Header and claims as they are signed.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

impl Signer {
    pub(crate) fn elliptic() -> Self {
        Self::Elliptic(p256::ecdsa::SigningKey::random(&mut p256::elliptic_curve::rand_core::OsRng))
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap()))
    }

    pub(crate) fn secret(secret: impl AsRef<[u8]>) -> Self {
        Self::Secret(secret.as_ref().to_vec())
    }

    /// The public half, as published.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Elliptic(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                let (x, y) = (base64url(point.x().unwrap()), base64url(point.y().unwrap()));
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "use": "sig", "x": x, "y": y})
            }
            Self::Rsa(key) => {
                let (n, e) = (base64url(&key.n().to_bytes_be()), base64url(&key.e().to_bytes_be()));
                json!({"kty": "RSA", "kid": kid, "use": "sig", "n": n, "e": e})
            }
            Self::Secret(_) => panic!("a secret has no public half"),
        }
    }

    /// Signs what the key is for, whatever the header says.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let bytes = message.as_bytes();
        let signature = match self {
            Self::Elliptic(key) => {
                let signature: p256::ecdsa::Signature = key.sign(bytes);
                base64url(&signature.to_bytes())
            }
            Self::Rsa(key) => {
                let key = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new((**key).clone());
                base64url(&key.sign(bytes).to_vec())
            }
            Self::Secret(secret) => {
                let key = EncodingKey::from_secret(secret);
                jsonwebtoken::crypto::sign(bytes, &key, Algorithm::HS256).unwrap()
            }
        };
        format!("{message}.{signature}")
    }
}

/// A published set.
pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
