//! How much goes over a line at once: little at first, and more as the line bears it.
//!
//! Either end sends in parcels and hears of each that it came: of a push by its verdicts, of a batch by
//! its acknowledgement. What is under way when a line is cut goes again as a whole, so that on a bad line
//! parcels had better be small; on a good one they only cost round trips.
//!
//! **Invariant**: every connection begins small, whatever an earlier one bore, so that a line which
//! carries one small parcel between two cuts carries everything in the end.

use crate::limits;

/// A parcel that came within this time was a small one for its line.
const QUICK_MS: u64 = 2000;
/// One that took as long was too large.
const SLOW_MS: u64 = 8000;
/// The slowest line on which anything is waited for, in bytes a second.
const SLOWEST: u64 = 100;

/// What one direction of a connection bears.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Bytes that may be under way.
    room: usize,
    most: usize,
    under_way: usize,
}

/// Something that was sent, and of which nobody has said that it came.
#[derive(Debug)]
pub(crate) struct Parcel {
    bytes: usize,
    sent_ms: u64,
    size: Size,
}

/// Whether a parcel tells anything of what the line bears.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Size {
    /// It was as large as it might be.
    Full,
    /// There was no more to send.
    Partial,
}

impl Pace {
    /// The pace of a new connection, on which at most so many bytes are ever under way.
    pub(crate) fn new(most: usize) -> Self {
        Self { room: limits::BYTES_AT_FIRST, most, under_way: 0 }
    }

    /// How many bytes may be sent now; none when the line has enough to carry.
    pub(crate) fn room(&self) -> Option<usize> {
        let left = self.room.saturating_sub(self.under_way);
        // Not every acknowledgement is worth a parcel of its own.
        (self.under_way == 0 || left >= self.room / 4).then_some(left)
    }

    /// A parcel is sent.
    pub(crate) fn sent(&mut self, bytes: usize, size: Size, now_ms: u64) -> Parcel {
        self.under_way += bytes;
        Parcel { bytes, sent_ms: now_ms, size }
    }

    /// A parcel came.
    pub(crate) fn came(&mut self, parcel: Parcel, now_ms: u64) {
        self.under_way = self.under_way.saturating_sub(parcel.bytes);
        let took = now_ms.saturating_sub(parcel.sent_ms);
        if took >= SLOW_MS {
            self.room = (self.room / 2).max(limits::BYTES_AT_FIRST);
        } else if parcel.size == Size::Full {
            let more = if took <= QUICK_MS { self.room } else { limits::BYTES_AT_FIRST };
            self.room = (self.room + more).min(self.most);
        }
    }

    /// How much longer than anything else what is under way may take. A single edit may be larger than
    /// all that should go at once; and what was sent at once was so because the line had carried as much
    /// in a few seconds.
    pub(crate) fn allowance_ms(&self) -> u64 {
        let proven = if self.room > limits::BYTES_AT_FIRST { self.room as u64 / 16 } else { 0 };
        self.under_way as u64 * 1000 / proven.max(SLOWEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: usize = limits::BYTES_AT_FIRST;

    /// Sends as much as may be sent, which takes the line so long; returns how much that was.
    fn carry(pace: &mut Pace, ms: u64) -> usize {
        let bytes = pace.room().expect("nothing is under way");
        let parcel = pace.sent(bytes, Size::Full, 0);
        assert_eq!(pace.room(), None);
        pace.came(parcel, ms);
        bytes
    }

    #[test]
    fn parcels_grow_on_a_quick_line_and_shrink_on_a_slow_one() {
        let mut pace = Pace::new(64 * FIRST);
        let grown: Vec<usize> = (0..8).map(|_| carry(&mut pace, 100) / FIRST).collect();
        assert_eq!(grown, [1, 2, 4, 8, 16, 32, 64, 64]);
        let shrunk: Vec<usize> = (0..8).map(|_| carry(&mut pace, 10_000) / FIRST).collect();
        assert_eq!(shrunk, [64, 32, 16, 8, 4, 2, 1, 1]);
        let between: Vec<usize> = (0..3).map(|_| carry(&mut pace, 5000) / FIRST).collect();
        assert_eq!(between, [1, 2, 3]);
    }

    #[test]
    fn what_was_small_for_want_of_more_proves_nothing() {
        let mut pace = Pace::new(64 * FIRST);
        for _ in 0..5 {
            let parcel = pace.sent(100, Size::Partial, 0);
            pace.came(parcel, 10);
        }
        assert_eq!(pace.room(), Some(FIRST));
    }

    /// At 300 bytes a second a quarter of a megabyte takes a quarter of an hour.
    #[test]
    fn a_single_edit_that_is_large_has_its_time() {
        let mut pace = Pace::new(64 * FIRST);
        let _parcel = pace.sent(limits::CHANGE_BYTES, Size::Full, 0);
        assert!(pace.allowance_ms() > 1000 * limits::CHANGE_BYTES as u64 / 300);
    }
}
