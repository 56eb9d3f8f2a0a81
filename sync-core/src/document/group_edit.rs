//! Edits that are made together.

use super::edit::RecordEdit;
use crate::ids::RecordId;
use crate::schema::Kind;

/// One edit of a group.
#[derive(Clone, Debug)]
pub enum GroupEdit {
    /// Begins a record.
    Create {
        /// Its id, minted on this device.
        id: RecordId,
        /// Its kind.
        kind: Kind,
        /// Its first values.
        edit: RecordEdit,
    },
    /// Changes a record.
    Edit {
        /// The record.
        id: RecordId,
        /// What changes.
        edit: RecordEdit,
    },
    /// Deletes a record: a tombstone, which a restore takes back.
    Delete {
        /// The record.
        id: RecordId,
    },
    /// Takes a deletion back.
    Restore {
        /// The record.
        id: RecordId,
    },
}

impl GroupEdit {
    /// The record that it is about.
    pub fn record(&self) -> RecordId {
        match self {
            Self::Create { id, .. }
            | Self::Edit { id, .. }
            | Self::Delete { id }
            | Self::Restore { id } => *id,
        }
    }
}
