//! The time zone in which times of day are meant on this device.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sync_core::document::{EditError, Habits, RecordEdit};
use sync_core::schema::Kind;
use sync_core::time::UnixMs;

use crate::Client;

/// Why a time zone was not set.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// There is none of this name.
    #[error("no time zone \"{0}\"; zones are called as in America/New_York, Europe/Berlin, UTC")]
    Unknown(String),
    /// The file could not be written.
    #[error(transparent)]
    Replica(#[from] sync_core::replica::ReplicaError),
}

impl Client {
    /// The zone in which times of day are meant: the one that was set here, or the system's. None when
    /// neither is known; then a time of day needs its distance from UTC.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn zone(&self) -> rusqlite::Result<Option<TimeZone>> {
        let set = self.read_replica(|replica| replica.zone())?;
        let set = set.and_then(|name| TimeZone::get(&name).ok());
        Ok(set.or_else(|| TimeZone::try_system().ok()))
    }

    /// Sets the zone of this device, by its IANA name.
    ///
    /// # Errors
    /// When there is no such zone, or the file cannot be written.
    pub fn set_zone(&self, name: &str) -> Result<(), ZoneError> {
        let zone = TimeZone::get(name).map_err(|_| ZoneError::Unknown(name.to_owned()))?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(self.with_replica(|replica, _| replica.set_zone(&name))?)
    }

    /// How people write on this device: in its zone, and otherwise nothing that may be misread.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn habits(&self) -> rusqlite::Result<Habits> {
        Ok(Habits { zone: self.zone()?, ..Habits::default() })
    }

    /// Reads `name=value` pairs as a person types them on this device, times of day in its zone.
    ///
    /// # Errors
    /// Names the field and what it takes.
    pub fn read_edit<'a>(
        &self,
        kind: &Kind,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<RecordEdit, EditError> {
        // A file that cannot be read has no zone to tell; whoever writes to it next hears why.
        RecordEdit::parse_with(kind, pairs, &self.habits().unwrap_or_default())
    }

    /// A moment on the clocks of this device's zone, such as `2026-11-20 10:00 America/New_York`; in UTC
    /// when no zone is known.
    pub fn local(&self, at: UnixMs) -> String {
        let zone = self.zone().ok().flatten().unwrap_or(TimeZone::UTC);
        let Ok(stamp) = Timestamp::from_millisecond(at.0) else { return at.to_string() };
        let shown = stamp.to_zoned(zone.clone());
        let time = if at.0 % 60_000 == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        let named = zone.iana_name().map_or_else(|| shown.offset().to_string(), str::to_owned);
        format!("{} {named}", shown.strftime(time))
    }
}
