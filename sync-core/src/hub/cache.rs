//! Documents kept open between commits, bounded by bytes.

use lru::LruCache;

use super::workspace::HubDocument;
use crate::ids::{FeedPosition, RecordId, ServerEpoch};

/// Memory given to open documents: some five thousand usual ones.
const BYTES: usize = 64 << 20;
/// What an open document takes even when it says little; a saved one of 550 bytes was measured at
/// 10 KB, and at 18 KB when fresh from its saved form.
const OPEN_BYTES: usize = 12 << 10;
/// What each saved byte takes beyond that.
const EXPANSION: usize = 5;

/// Open documents, each valid only at the position it was stored at: another process may have
/// written since.
#[derive(Debug)]
pub struct DocumentCache {
    documents: LruCache<RecordId, (FeedPosition, HubDocument, usize)>,
    bytes: usize,
    /// The life of the store that they are of.
    epoch: Option<ServerEpoch>,
}

impl Default for DocumentCache {
    fn default() -> Self {
        Self { documents: LruCache::unbounded(), bytes: 0, epoch: None }
    }
}

impl DocumentCache {
    /// Forgets everything if it is of another life of the store: a restored one gives positions out
    /// again.
    pub(super) fn enter(&mut self, epoch: Option<ServerEpoch>) {
        if self.epoch != epoch {
            self.clear();
            self.epoch = epoch;
        }
    }

    /// Takes a document out, if it is the one stored at this position.
    pub(super) fn take(&mut self, record: RecordId, position: FeedPosition) -> Option<HubDocument> {
        let (at, document, bytes) = self.documents.pop(&record)?;
        self.bytes -= bytes;
        (at == position).then_some(document)
    }

    /// Keeps a document that was stored at a position, in so many bytes.
    pub(super) fn put(
        &mut self,
        record: RecordId,
        position: FeedPosition,
        document: HubDocument,
        saved: usize,
    ) {
        let bytes = OPEN_BYTES + saved * EXPANSION;
        if let Some((.., old)) = self.documents.put(record, (position, document, bytes)) {
            self.bytes -= old;
        }
        self.bytes += bytes;
        while self.bytes > BYTES {
            let Some((_, (.., old))) = self.documents.pop_lru() else { break };
            self.bytes -= old;
        }
    }

    /// Forgets everything: after a commit that failed nobody knows what is stored.
    pub fn clear(&mut self) {
        self.documents.clear();
        self.bytes = 0;
    }
}
