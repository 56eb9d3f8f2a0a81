//! What a user is in the company, as the users table says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A user's role. It decides nothing here: the database's policies do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// Sees and does everything.
    Admin,
    /// Sees the accounts of a territory and of the people under them.
    Manager,
    /// Sees the accounts assigned to them.
    SalesRep,
    /// Sees like a manager and writes nothing.
    ReadOnly,
    /// A role that only a newer server knows.
    Other(String),
}

impl Role {
    /// The word in the database and on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::SalesRep => "sales_rep",
            Self::ReadOnly => "read_only",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for Role {
    fn from(word: &str) -> Self {
        match word {
            "admin" => Self::Admin,
            "manager" => Self::Manager,
            "sales_rep" => Self::SalesRep,
            "read_only" => Self::ReadOnly,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// A word that names no role.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no role {0}; the roles are admin, manager, sales_rep and read_only")]
pub struct UnknownRole(pub String);

/// As a person types it: only roles that are known.
impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        match Self::from(word) {
            Self::Other(word) => Err(UnknownRole(word)),
            known => Ok(known),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word: std::borrow::Cow<'de, str> = Deserialize::deserialize(deserializer)?;
        Ok(Self::from(&*word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back_as_itself_and_a_newer_one_is_kept() {
        for word in ["admin", "manager", "sales_rep", "read_only", "auditor"] {
            assert_eq!(Role::from(word).as_str(), word);
        }
        assert!("auditor".parse::<Role>().is_err(), "nobody can be given a role that is unknown");
    }
}
