//! Why a change is refused: the words a verdict carries from the server to the person who wrote it.

use serde::{Deserialize, Serialize};

/// A refusal, complete enough to show to a person: code for programs, policy for managers, sentence
/// for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{sentence} ({code})")]
pub struct Refusal {
    /// Stable, append-only; the list is in `docs/PROTOCOL.md`.
    pub code: String,
    /// The database policy or trigger that said no, when one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What happened and what to do, in one sentence.
    pub sentence: String,
}

impl Refusal {
    /// The refusal of what was edited after a refused edit of the same record.
    pub fn depends_on_refused() -> Self {
        let sentence = "It builds on an earlier edit of this record that was refused.";
        Self::new(RefusalCode::DependsOnRefused, sentence)
    }

    /// A refusal that no database policy had a part in.
    pub fn new(code: RefusalCode, sentence: impl Into<String>) -> Self {
        Self { code: code.as_str().to_owned(), policy: None, sentence: sentence.into() }
    }
}

macro_rules! refusal_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Every code a refusal can carry. Append-only: a code never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum RefusalCode { $($(#[$doc])* $variant,)* }

        impl RefusalCode {
            /// All codes, in the order they were introduced.
            pub const ALL: &'static [RefusalCode] = &[$(RefusalCode::$variant,)*];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(RefusalCode::$variant => $text,)* }
            }

            /// Reads the word on the wire; `None` for a code of a newer server.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(RefusalCode::$variant),)* _ => None }
            }
        }
    };
}

refusal_codes! {
    /// Not a plain change chunk, or bytes that are not what they say; the app is faulty.
    Malformed = "malformed",
    /// Larger than a limit; split the edit.
    TooLarge = "too_large",
    /// More operations or predecessors than a change may have.
    TooManyOps = "too_many_ops",
    /// Written by an actor that belongs to somebody else or to no one.
    ForeignActor = "foreign_actor",
    /// The author inside the change is not the user who pushes it.
    ForeignAuthor = "foreign_author",
    /// Depends on a change that the server does not have; push that first.
    MissingDependency = "missing_dependency",
    /// The sequence number is not the actor's next.
    SequenceGap = "sequence_gap",
    /// The operation counter is not what its dependencies give, or is near its ceiling.
    OpCounter = "op_counter",
    /// Writes to a key, container or predecessor that cannot be.
    BadReference = "bad_reference",
    /// A declared field would get a value of another type or out of its range.
    BadValue = "bad_value",
    /// Overwrites what may be written only once.
    Immutable = "immutable",
    /// Writes a field that only the server writes.
    ServerOnly = "server_only",
    /// The record exists as another kind, or the kind is not known.
    WrongKind = "wrong_kind",
    /// A change of one record pushed under the id of another.
    WrongRecord = "wrong_record",
    /// A rule of the business that the database keeps: the edit is at fault, not who made it.
    Rule = "rule",
    /// The document engine failed on the change; a rule of the guard is missing.
    EngineFault = "engine_fault",
    /// The stored document does not open; an operator must look.
    DocumentQuarantined = "document_quarantined",
    /// The database's policies do not allow it to this user.
    Denied = "denied",
    /// A constraint of the database does not hold.
    Constraint = "constraint",
    /// Another change of the same atomic group was refused.
    GroupRefused = "group_refused",
    /// A change that this one builds on was refused.
    DependsOnRefused = "depends_on_refused",
    /// A claimed time lies too far in the future; set the device's clock.
    FutureTime = "future_time",
    /// The server failed for a reason of its own; the change stays in the outbox.
    Internal = "internal",
    /// Its author has stored as much as one person may; an administrator must look into it.
    OverQuota = "over_quota",
}

impl RefusalCode {
    /// Whether a refusal is of a change's form, so that its edit may be made again.
    pub fn is_of_form(self) -> bool {
        match self {
            Self::ForeignActor
            | Self::MissingDependency
            | Self::SequenceGap
            | Self::OpCounter
            | Self::FutureTime => true,
            Self::Malformed
            | Self::TooLarge
            | Self::TooManyOps
            | Self::ForeignAuthor
            | Self::BadReference
            | Self::BadValue
            | Self::Immutable
            | Self::ServerOnly
            | Self::WrongKind
            | Self::WrongRecord
            | Self::Rule
            | Self::EngineFault
            | Self::DocumentQuarantined
            | Self::Denied
            | Self::Constraint
            | Self::GroupRefused
            | Self::DependsOnRefused
            | Self::OverQuota
            | Self::Internal => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_code_reads_back_as_itself() {
        for code in RefusalCode::ALL {
            assert_eq!(RefusalCode::parse(code.as_str()), Some(*code));
        }
    }
}
