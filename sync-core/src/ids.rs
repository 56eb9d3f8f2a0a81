//! Names for things: one newtype per identifier, so that none can stand where another is meant.
//!
//! Knows nothing of where an id comes from: minting needs time and entropy, which the host passes in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hex::{self, Hex};

/// Whether this is an id as documents hold it: in one form only, so that whoever compares texts and
/// whoever compares ids agree.
pub fn is_canonical(text: &str) -> bool {
    text.len() == 36
        && Uuid::try_parse(text).is_ok()
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Mints a time-ordered id (UUIDv7) from a wall-clock reading and ten random bytes.
            pub fn mint(now: crate::time::UnixMs, entropy: [u8; 10]) -> Self {
                let ms = u64::try_from(now.0).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(ms, &entropy).into_uuid())
            }

            /// The sixteen bytes used on the wire and as a database key.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads the sixteen-byte form.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A CRM record, and equally its document: the two share one id for life.
    RecordId
);
uuid_id!(
    /// A person with an account.
    UserId
);
uuid_id!(
    /// One device's copy of the database file.
    ReplicaId
);
uuid_id!(
    /// An atomic edit over one or several records.
    GroupId
);
uuid_id!(
    /// A batch of records that came from one file.
    ImportId
);
uuid_id!(
    /// One entry of a `Log` field.
    EventId
);
uuid_id!(
    /// What a document hangs from for access: an account, a user, or everyone.
    ScopeId
);
uuid_id!(
    /// One life of the server's database; it changes when that was restored from a backup.
    ServerEpoch
);

impl ScopeId {
    /// The scope of records that every signed-in user may read.
    pub const EVERYONE: ScopeId = ScopeId(Uuid::from_u128(0xe0));
}

/// The SHA-256 name that Automerge gives a change; pushing twice under one hash is pushing once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeHash(pub [u8; 32]);

impl ChangeHash {
    /// Reads the 32-byte form.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl From<automerge::ChangeHash> for ChangeHash {
    fn from(hash: automerge::ChangeHash) -> Self {
        Self(hash.0)
    }
}

impl From<ChangeHash> for automerge::ChangeHash {
    fn from(hash: ChangeHash) -> Self {
        automerge::ChangeHash(hash.0)
    }
}

/// Why a text is not the name of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not the hash of a change: 64 digits of 0 to 9 and a to f")]
pub struct NoChangeHash;

impl fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl FromStr for ChangeHash {
    type Err = NoChangeHash;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = hex::decode(text).ok_or(NoChangeHash)?;
        Self::from_slice(&bytes).ok_or(NoChangeHash)
    }
}

impl fmt::Debug for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(&self.0[..6]))
    }
}

/// A server's proof that it accepted a change of a record, and with it all that the change builds on.
/// Opaque to a replica: kept, and given back to a server that lost the change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(pub [u8; 8]);

impl Receipt {
    /// Reads the 8-byte form.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({})", Hex(&self.0))
    }
}

/// An Automerge actor: one open writer of one replica, random and never derived from the user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor(pub [u8; 16]);

impl Actor {
    /// Reads the 16-byte form; actors of any other length are not ours.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The same name in Automerge's own type.
    pub fn automerge(&self) -> automerge::ActorId {
        automerge::ActorId::from(self.0)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actor({})", Hex(&self.0))
    }
}

/// Where a change stands in the server's one order of commits; starts at 1.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct FeedPosition(pub i64);
