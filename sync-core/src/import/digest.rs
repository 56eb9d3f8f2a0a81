//! What tells a file, and a row of it, from all others.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::batch::NewImport;
use super::cells::Row;
use super::plan::ImportPlan;

impl ImportPlan {
    /// What the batch is called, and what tells its file from others.
    pub fn named(&self) -> NewImport {
        let mut digest = Sha256::new();
        digest.update(self.sheet.bytes.digest);
        digest.update(self.kind.name);
        let (source, kind) = (self.sheet.source.name(), self.kind.name.to_owned());
        NewImport { source, kind, digest: digest.finalize().into() }
    }

    /// What tells a row by its cells from all others; of several that are alike, by their order.
    pub(super) fn digest(&self, row: &Row, alike: &mut HashMap<[u8; 16], u64>) -> [u8; 16] {
        let first_half = |digest: Sha256| {
            let whole: [u8; 32] = digest.finalize().into();
            let mut half = [0; 16];
            half.copy_from_slice(&whole[..16]);
            half
        };
        let mut digest = Sha256::new();
        digest.update(self.kind.name);
        for (heading, cell) in self.sheet.headings.iter().zip(&row.cells) {
            for text in [heading.as_str(), cell.trim()] {
                // As eight bytes on every machine, so that a row has one name on all of them.
                digest.update((text.len() as u64).to_le_bytes());
                digest.update(text);
            }
        }
        let count = alike.entry(first_half(digest.clone())).or_default();
        *count += 1;
        digest.update(count.to_le_bytes());
        first_half(digest)
    }
}
