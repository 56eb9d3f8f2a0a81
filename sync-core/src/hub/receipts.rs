//! Receipts: the proof that a change was accepted, kept by devices for a server that lost it.
//!
//! Each life of a store writes them under a key of its own and takes those of the lives that it comes
//! from. A copy of the database lives a life of its own, so that what is accepted there proves nothing
//! to the database that was copied.
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

/// The key under which a store writes receipts in one of its lives.
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

/// The keys of a store: that of its present life, and those of the lives before.
#[derive(Clone, Debug, Default)]
pub struct ReceiptKeys {
    present: ReceiptKey,
    before: Vec<ReceiptKey>,
}

impl ReceiptKeys {
    /// The key of the present life, and those of the lives before.
    pub fn new(present: ReceiptKey, before: Vec<ReceiptKey>) -> Self {
        Self { present, before }
    }

    /// The receipt for a change of a record that is accepted in the present life.
    pub fn receipt(&self, record: RecordId, change: ChangeHash) -> Receipt {
        self.present.receipt(record, change)
    }

    fn wrote(&self, receipt: Receipt, record: RecordId, change: ChangeHash) -> bool {
        let mut keys = std::iter::once(&self.present).chain(&self.before);
        keys.any(|key| key.wrote(receipt, record, change))
    }
}

/// The changes of a push that were accepted once: those with a receipt, and what they build on.
#[derive(Debug, Default)]
pub(super) struct Proven(HashSet<(RecordId, ChangeHash)>);

impl Proven {
    /// Looks through a push. What changes build on comes before them.
    pub(super) fn of(job: &PushJob, keys: &ReceiptKeys) -> Self {
        let mut proven = HashSet::new();
        if job.groups.iter().any(PushedGroup::is_offered) {
            for change in job.changes().collect::<Vec<_>>().into_iter().rev() {
                let Ok(parsed) = &change.parsed else { continue };
                let receipt = change.receipt.filter(|_| !proven.contains(&name(change)));
                if receipt.is_some_and(|one| keys.wrote(one, change.record, change.hash)) {
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

    #[test]
    fn a_life_writes_under_its_own_key_and_takes_the_receipts_of_those_before() {
        let [first, second, of_a_copy] = [1, 2, 3].map(|n| ReceiptKey([n; 32]));
        let (record, change) = (RecordId(Uuid::from_u128(1)), ChangeHash([3; 32]));
        let keys = ReceiptKeys::new(second, vec![first]);
        assert_eq!(keys.receipt(record, change), second.receipt(record, change));
        assert!(keys.wrote(first.receipt(record, change), record, change));
        assert!(keys.wrote(second.receipt(record, change), record, change));
        assert!(!keys.wrote(of_a_copy.receipt(record, change), record, change));
    }
}
