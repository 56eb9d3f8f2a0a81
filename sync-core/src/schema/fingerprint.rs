//! What tells the rows of one schema from those of another.

use sha2::{Digest, Sha256};

use super::field::FieldDeclaration;
use super::kind::Schema;

/// Raised when the same declaration comes to be projected into other rows.
const PROJECTION: u32 = 1;

impl Schema {
    /// A digest of everything that rows and tables depend on. Two ends with the same fingerprint lay
    /// out their tables alike and make the same rows of the same documents.
    pub fn fingerprint(&self) -> [u8; 8] {
        let mut digest = Sha256::new_with_prefix(format!("kitchen-pantry/rows/{PROJECTION}"));
        for kind in self.kinds() {
            digest.update(format!("\n{} {} {:?}", kind.name, kind.table, kind.storage));
            for field in &kind.fields {
                let FieldDeclaration { name, ty, rule, default, search, .. } = &**field;
                digest.update(format!("\n{name} {ty:?} {rule:?} {default:?} {search:?}"));
            }
            for column in kind.columns() {
                digest.update(format!("\n{} {:?}", column.name, column.ty));
            }
        }
        let digest = digest.finalize();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        bytes
    }
}
