//! A time zone as a browser tells it: the moments at which its clocks are set.

use jiff::tz::TimeZone;
use serde::Deserialize;

/// Offsets are in seconds east of UTC, moments in seconds since 1970.
#[derive(Clone, Deserialize)]
pub(crate) struct Zone {
    name: String,
    /// The offset before the first change.
    first: i32,
    /// When the clocks are set, and how far from UTC they are then; in order.
    changes: Vec<(i64, i32)>,
}

impl Zone {
    /// The zone for reading times of day.
    pub(crate) fn read(&self) -> Result<TimeZone, String> {
        TimeZone::tzif(&self.name, &self.tzif()).map_err(|error| error.to_string())
    }

    /// The same in the format of zone files (RFC 8536), which is what the calendar reads.
    fn tzif(&self) -> Vec<u8> {
        let mut offsets = vec![self.first];
        let mut kinds = Vec::new();
        for (_, offset) in self.changes.iter().take(MOST_CHANGES) {
            let known = offsets.iter().position(|known| known == offset);
            let place = known.unwrap_or_else(|| {
                offsets.push(*offset);
                offsets.len() - 1
            });
            kinds.push(u8::try_from(place).unwrap_or(0));
        }
        let mut bytes = Vec::new();
        // A block for programs that know no other, which are none here.
        header(&mut bytes, 0, 1);
        bytes.extend([0; 7]);
        header(&mut bytes, kinds.len(), offsets.len());
        for (at, _) in self.changes.iter().take(MOST_CHANGES) {
            bytes.extend(at.to_be_bytes());
        }
        bytes.extend(kinds);
        for offset in offsets {
            bytes.extend(offset.to_be_bytes());
            bytes.extend([0, 0]);
        }
        bytes.push(0);
        bytes.extend(b"\n\n");
        bytes
    }
}

/// More than any zone has in a century.
const MOST_CHANGES: usize = 1_000;

fn header(bytes: &mut Vec<u8>, changes: usize, kinds: usize) {
    bytes.extend(b"TZif2");
    bytes.extend([0; 15]);
    // Marks of standard and universal time, leap seconds, changes, kinds of time, letters of their names.
    let counts = [0, 0, 0, changes, kinds, 1];
    for count in counts {
        bytes.extend(u32::try_from(count).unwrap_or(0).to_be_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Clocks are set as the browser says, before, between and after its changes.
    #[test]
    fn a_time_of_day_is_read_by_the_offset_of_its_day() {
        // Eastern time in 2027: summer from 14 March, winter from 7 November.
        let changes = vec![(1_805_007_600, -4 * 3600), (1_825_567_200, -5 * 3600)];
        let zone = Zone { name: "America/New_York".into(), first: -5 * 3600, changes };
        let zone = zone.read().unwrap();
        let at = |text: &str| {
            let time: jiff::civil::DateTime = text.parse().unwrap();
            zone.to_zoned(time).unwrap().timestamp().to_string()
        };
        assert_eq!(at("2027-01-15 09:30"), "2027-01-15T14:30:00Z");
        assert_eq!(at("2027-07-15 09:30"), "2027-07-15T13:30:00Z");
        assert_eq!(at("2027-12-15 09:30"), "2027-12-15T14:30:00Z");
    }
}
