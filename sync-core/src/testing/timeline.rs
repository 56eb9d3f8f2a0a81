//! What is to happen, in the order of virtual time.

use std::collections::BTreeMap;

/// Things that are to happen, each at its moment; those of one moment in the order in which they were
/// put in.
#[derive(Debug)]
pub(super) struct Timeline<T> {
    ahead: BTreeMap<(u64, u64), T>,
    count: u64,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { ahead: BTreeMap::new(), count: 0 }
    }
}

impl<T> Timeline<T> {
    /// Puts something in.
    pub(super) fn put(&mut self, at: u64, what: T) {
        self.count += 1;
        self.ahead.insert((at, self.count), what);
    }

    /// Everything that is still to happen.
    pub(super) fn ahead(&self) -> impl Iterator<Item = &T> {
        self.ahead.values()
    }

    /// Takes out what comes first, unless that is after a moment.
    pub(super) fn next_until(&mut self, until: u64) -> Option<(u64, T)> {
        let (key, _) = self.ahead.first_key_value()?;
        if key.0 > until {
            return None;
        }
        self.ahead.pop_first().map(|((at, _), what)| (at, what))
    }
}
