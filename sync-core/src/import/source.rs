//! Where the bytes of a file come from.

use std::fmt;
use std::io::{self, BufRead, Cursor};
use std::sync::Arc;

/// A file that can be read from its beginning as often as it takes.
pub trait Source: fmt::Debug + Send + Sync {
    /// What the file is called, without the folder it lies in.
    fn name(&self) -> String;

    /// Where it lies, as far as somebody can look there.
    fn place(&self) -> String {
        self.name()
    }

    /// The file's bytes, from its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    fn open(&self) -> io::Result<Box<dyn BufRead + Send>>;
}

/// A file that was read already, such as one that a browser gives.
#[derive(Clone)]
pub struct InMemory {
    name: String,
    bytes: Arc<[u8]>,
}

impl InMemory {
    /// A file of this name with these bytes.
    pub fn new(name: impl Into<String>, bytes: &[u8]) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.name, self.bytes.len())
    }
}

impl Source for InMemory {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(Box::new(Cursor::new(self.bytes.clone())))
    }
}
