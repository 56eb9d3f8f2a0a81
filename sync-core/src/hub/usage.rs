//! How much a user has stored, and how much one may.

use super::workspace::Candidate;
use crate::error::{Refusal, RefusalCode};
use crate::limits;

/// What a user has stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Records begun.
    pub documents: u64,
    /// Bytes of changes, of refused ones with what is kept in words of them.
    pub bytes: u64,
}

impl Usage {
    /// What these would add.
    pub(super) fn of(changes: &[Candidate]) -> Self {
        let begins = |one: &&Candidate| one.parsed.deps().eq([one.kind.genesis().hash]);
        let begun = changes.iter().filter(begins).count();
        let bytes: usize = changes.iter().map(|one| one.parsed.bytes().len()).sum();
        Self { documents: begun as u64, bytes: bytes as u64 }
    }

    /// How many bytes more may be stored.
    pub(super) fn room(self) -> u64 {
        limits::BYTES_PER_USER.saturating_sub(self.bytes)
    }

    /// Both together.
    pub fn and(self, more: Self) -> Self {
        Self {
            documents: self.documents.saturating_add(more.documents),
            bytes: self.bytes.saturating_add(more.bytes),
        }
    }

    /// Why nobody may store so much.
    ///
    /// # Errors
    /// When it is more than a user may store.
    pub(super) fn check(self) -> Result<Self, Refusal> {
        let too_much = |what: String| {
            let sentence = format!(
                "You have stored as much as one person may ({what}); ask an administrator to look into it."
            );
            Err(Refusal::new(RefusalCode::OverQuota, sentence))
        };
        if self.documents > limits::DOCUMENTS_PER_USER {
            return too_much(format!("{} records", limits::DOCUMENTS_PER_USER));
        }
        if self.bytes > limits::BYTES_PER_USER {
            return too_much(format!("{} MiB of edits", limits::BYTES_PER_USER >> 20));
        }
        Ok(self)
    }
}
