//! Where the devices' files are.

use std::path::{Path, PathBuf};

/// A directory of its own, in memory where the system has such a place, that goes with its owner.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    files: u64,
}

impl Directory {
    pub(super) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let name = |n: u64| base.join(format!("sync-core-world-{}-{n}", std::process::id()));
        let made = (0..100_000).map(name).find(|path| std::fs::create_dir(path).is_ok());
        let path = made.expect("a directory for the devices' files can be made");
        Self { path, files: 0 }
    }

    /// A name for a new file.
    pub(super) fn file(&mut self) -> PathBuf {
        self.files += 1;
        self.path.join(format!("{}.db", self.files))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A SQLite file and its journal.
fn parts(path: &Path) -> [PathBuf; 2] {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    [path.to_owned(), journal.into()]
}

/// Copies a file that nobody is writing to, in the place of any that stood there.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut shared = to.as_os_str().to_owned();
    shared.push("-shm");
    let _ = std::fs::remove_file(PathBuf::from(shared));
    for (from, to) in parts(from).into_iter().zip(parts(to)) {
        if from.exists() {
            std::fs::copy(from, to)?;
        } else {
            let _ = std::fs::remove_file(to);
        }
    }
    Ok(())
}

/// Every byte of a file and its journal.
pub(super) fn bytes(path: &Path) -> Vec<u8> {
    let read = |part: PathBuf| std::fs::read(part).unwrap_or_default();
    parts(path).into_iter().flat_map(read).collect()
}
