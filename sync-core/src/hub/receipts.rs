//! Receipts: the proof that a change was accepted, kept by devices for a server that lost it.
//!
//! A receipt is an HMAC-SHA-256 over the record and the change's hash, under a key that the store keeps
//! and nobody else reads, cut to eight bytes: whoever guesses needs some 2^63 pushes. Since a change names
//! what it builds on by hash, a receipt for it is one for all of that, too.

use std::collections::HashSet;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::push::{PushJob, PushedChange, PushedGroup};
use crate::ids::{ChangeHash, Receipt, RecordId};

/// Tells receipts from whatever else the key might come to be used for.
const PURPOSE: &[u8] = b"kitchen-pantry/receipt/1";

/// The key under which a store writes receipts.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptKey(pub [u8; 32]);

impl fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptKey")
    }
}

impl ReceiptKey {
    fn begun(&self, record: RecordId, change: ChangeHash) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.0).expect("BUG: HMAC takes a key of any length");
        mac.update(PURPOSE);
        mac.update(record.as_bytes());
        mac.update(&change.0);
        mac
    }

    /// The receipt for a change of a record.
    pub fn receipt(&self, record: RecordId, change: ChangeHash) -> Receipt {
        let whole = self.begun(record, change).finalize().into_bytes();
        let mut cut = [0; 8];
        cut.copy_from_slice(&whole[..8]);
        Receipt(cut)
    }

    fn wrote(&self, receipt: Receipt, record: RecordId, change: ChangeHash) -> bool {
        self.begun(record, change).verify_truncated_left(&receipt.0).is_ok()
    }
}

/// The changes of a push that were accepted once: those with a receipt, and what they build on.
#[derive(Debug, Default)]
pub(super) struct Proven(HashSet<(RecordId, ChangeHash)>);

impl Proven {
    /// Looks through a push. What changes build on comes before them.
    pub(super) fn of(job: &PushJob, key: &ReceiptKey) -> Self {
        let mut proven = HashSet::new();
        if job.groups.iter().any(PushedGroup::is_offered) {
            for change in job.changes().collect::<Vec<_>>().into_iter().rev() {
                let Ok(parsed) = &change.parsed else { continue };
                let receipt = change.receipt.filter(|_| !proven.contains(&name(change)));
                if receipt.is_some_and(|one| key.wrote(one, change.record, change.hash)) {
                    proven.insert(name(change));
                }
                if proven.contains(&name(change)) {
                    proven.extend(parsed.deps().map(|dep| (change.record, dep)));
                }
            }
        }
        Self(proven)
    }

    /// Whether a change is proven.
    pub(super) fn contains(&self, change: &PushedChange) -> bool {
        self.0.contains(&name(change))
    }

    /// Whether a whole group is proven. One is that was offered as such.
    pub(super) fn has(&self, group: &PushedGroup) -> bool {
        group.is_offered() && group.changes.iter().all(|change| self.contains(change))
    }
}

fn name(change: &PushedChange) -> (RecordId, ChangeHash) {
    (change.record, change.hash)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_receipt_is_for_one_change_of_one_record_under_one_key() {
        let (key, other) = (ReceiptKey([1; 32]), ReceiptKey([2; 32]));
        let [record, elsewhere] = [1, 2].map(|n| RecordId(Uuid::from_u128(n)));
        let [change, another] = [[3; 32], [4; 32]].map(ChangeHash);
        let receipt = key.receipt(record, change);
        assert!(key.wrote(receipt, record, change));
        assert!(!other.wrote(receipt, record, change));
        assert!(!key.wrote(receipt, elsewhere, change));
        assert!(!key.wrote(receipt, record, another));
    }
}
