//! A run as a list of lines, which can be printed, read, shortened and replayed.

use std::fmt;
use std::str::FromStr;

use super::bug::Bug;
use super::device::DeviceId;
use super::fault::FaultPoint;

/// What somebody or something does to a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// A person begins with a new device, offline; the number picks the person, and whether the app is
    /// one version on.
    Join(u64, Version),
    /// A device goes online.
    Online(DeviceId),
    /// A device goes offline.
    Offline(DeviceId),
    /// Somebody edits on a device; the number decides what.
    Edit(DeviceId, u64),
    /// Somebody deals with a refused edit.
    Refused(DeviceId, u64),
    /// Somebody asks whether an edit would be refused.
    Ask(DeviceId, u64),
    /// Something is done at the server; the number decides what.
    Administer(u64),
    /// A connection breaks.
    Cut(DeviceId),
    /// A connection falls silent.
    Silence(DeviceId),
    /// A device's line carries so many bytes in a second from now on, or any number if that is 0.
    Slow(DeviceId, u64),
    /// A device's connections last so many milliseconds on average from now on, or for good if that is 0.
    Cuts(DeviceId, u64),
    /// A device is cut off for so many milliseconds.
    Partition(DeviceId, u64),
    /// What a device said last comes to the server once more.
    Repeat(DeviceId),
    /// A side dies at a point, the so manieth time; a device's points are of that device.
    Kill(DeviceId, FaultPoint, u64),
    /// A device dies at once.
    Crash(DeviceId),
    /// The server dies at once.
    CrashServer,
    /// A disk is all but full.
    FillDisk(DeviceId),
    /// It has room again.
    ClearDisk(DeviceId),
    /// The so manieth commit to a file fails.
    FailWrite(DeviceId, u64),
    /// The so manieth commit of the store fails.
    FailStore(u64),
    /// The server's database is copied away.
    KeepStore,
    /// The last copy takes its place.
    RestoreStore,
    /// A file is copied away.
    BackUp(DeviceId),
    /// The last copy takes the file's place.
    Restore(DeviceId),
    /// A file is copied to a new device, and both go on.
    Copy(DeviceId),
    /// Another process works on a file.
    Second(DeviceId),
    /// A clock is off by so many milliseconds.
    Clock(DeviceId, i64),
    /// The server's clock is off by so many milliseconds.
    ServerClock(i64),
    /// A device gets an app of another version.
    Update(DeviceId, Version),
}

/// Which version of a schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// As it is.
    Present,
    /// One version on.
    Later,
}

/// A line of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Milliseconds since the world began.
    pub at: u64,
    /// What is done.
    pub deed: Deed,
}

/// A whole run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Where everything random of the world comes from.
    pub seed: u64,
    /// The trade's name.
    pub trade: String,
    /// The version of the server's schema.
    pub server: Version,
    /// What is wrong on purpose.
    pub bug: Option<Bug>,
    /// What is done, in order.
    pub lines: Vec<Line>,
}

impl Version {
    fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Later => "later",
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join(n, version) => write!(f, "join {n} {}", version.as_str()),
            Self::Online(d) => write!(f, "online {}", d.0),
            Self::Offline(d) => write!(f, "offline {}", d.0),
            Self::Edit(d, n) => write!(f, "edit {} {n}", d.0),
            Self::Refused(d, n) => write!(f, "refused {} {n}", d.0),
            Self::Ask(d, n) => write!(f, "ask {} {n}", d.0),
            Self::Administer(n) => write!(f, "administer {n}"),
            Self::Cut(d) => write!(f, "cut {}", d.0),
            Self::Silence(d) => write!(f, "silence {}", d.0),
            Self::Slow(d, rate) => write!(f, "slow {} {rate}", d.0),
            Self::Cuts(d, ms) => write!(f, "cuts {} {ms}", d.0),
            Self::Partition(d, ms) => write!(f, "partition {} {ms}", d.0),
            Self::Repeat(d) => write!(f, "repeat {}", d.0),
            Self::Kill(d, point, nth) => write!(f, "kill {} {point} {nth}", d.0),
            Self::Crash(d) => write!(f, "crash {}", d.0),
            Self::CrashServer => write!(f, "crash-server"),
            Self::FillDisk(d) => write!(f, "fill-disk {}", d.0),
            Self::ClearDisk(d) => write!(f, "clear-disk {}", d.0),
            Self::FailWrite(d, nth) => write!(f, "fail-write {} {nth}", d.0),
            Self::FailStore(nth) => write!(f, "fail-store {nth}"),
            Self::KeepStore => write!(f, "keep-store"),
            Self::RestoreStore => write!(f, "restore-store"),
            Self::BackUp(d) => write!(f, "back-up {}", d.0),
            Self::Restore(d) => write!(f, "restore {}", d.0),
            Self::Copy(d) => write!(f, "copy {}", d.0),
            Self::Second(d) => write!(f, "second {}", d.0),
            Self::Clock(d, ms) => write!(f, "clock {} {ms}", d.0),
            Self::ServerClock(ms) => write!(f, "server-clock {ms}"),
            Self::Update(d, version) => write!(f, "update {} {}", d.0, version.as_str()),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bug = self.bug.map_or("none", Bug::as_str);
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "trade {}", self.trade)?;
        writeln!(f, "server {}", self.server.as_str())?;
        writeln!(f, "bug {bug}")?;
        for line in &self.lines {
            writeln!(f, "{} {}", line.at, line.deed)?;
        }
        Ok(())
    }
}

/// A line that is no line of a plan.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {number} of the plan says nothing that is known: {text}")]
pub struct PlanError {
    /// Which line, counting from one.
    pub number: usize,
    /// What it says.
    pub text: String,
}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut plan = Self {
            seed: 0,
            trade: "crm".into(),
            server: Version::Present,
            bug: None,
            lines: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() && plan.read(line).is_none() {
                return Err(PlanError { number: index + 1, text: line.to_owned() });
            }
        }
        Ok(plan)
    }
}

impl Plan {
    fn read(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_whitespace();
        let (first, rest) = (words.next()?, words.collect::<Vec<_>>());
        match first {
            "seed" => self.seed = rest.first()?.parse().ok()?,
            "trade" => self.trade = (*rest.first()?).to_owned(),
            "server" => self.server = version(rest.first()?)?,
            "bug" if rest.first() == Some(&"none") => self.bug = None,
            "bug" => self.bug = Some(Bug::parse(rest.first()?)?),
            at => {
                let at = at.parse().ok()?;
                let deed = deed(rest.first()?, &rest[1..])?;
                self.lines.push(Line { at, deed });
            }
        }
        Some(())
    }
}

fn version(word: &str) -> Option<Version> {
    [Version::Present, Version::Later].into_iter().find(|one| one.as_str() == word)
}

fn deed(verb: &str, rest: &[&str]) -> Option<Deed> {
    let number = |n: usize| rest.get(n)?.parse::<u64>().ok();
    let device = || rest.first()?.parse().ok().map(DeviceId);
    Some(match verb {
        "join" => Deed::Join(number(0)?, version(rest.get(1)?)?),
        "online" => Deed::Online(device()?),
        "offline" => Deed::Offline(device()?),
        "edit" => Deed::Edit(device()?, number(1)?),
        "refused" => Deed::Refused(device()?, number(1)?),
        "ask" => Deed::Ask(device()?, number(1)?),
        "administer" => Deed::Administer(number(0)?),
        "cut" => Deed::Cut(device()?),
        "silence" => Deed::Silence(device()?),
        "slow" => Deed::Slow(device()?, number(1)?),
        "cuts" => Deed::Cuts(device()?, number(1)?),
        "partition" => Deed::Partition(device()?, number(1)?),
        "repeat" => Deed::Repeat(device()?),
        "kill" => Deed::Kill(device()?, FaultPoint::parse(rest.get(1)?)?, number(2)?),
        "crash" => Deed::Crash(device()?),
        "crash-server" => Deed::CrashServer,
        "fill-disk" => Deed::FillDisk(device()?),
        "clear-disk" => Deed::ClearDisk(device()?),
        "fail-write" => Deed::FailWrite(device()?, number(1)?),
        "fail-store" => Deed::FailStore(number(0)?),
        "keep-store" => Deed::KeepStore,
        "restore-store" => Deed::RestoreStore,
        "back-up" => Deed::BackUp(device()?),
        "restore" => Deed::Restore(device()?),
        "copy" => Deed::Copy(device()?),
        "second" => Deed::Second(device()?),
        "clock" => Deed::Clock(device()?, rest.get(1)?.parse().ok()?),
        "server-clock" => Deed::ServerClock(rest.first()?.parse().ok()?),
        "update" => Deed::Update(device()?, version(rest.get(1)?)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::planner;

    #[test]
    fn a_plan_reads_back_as_itself() {
        for seed in 0..200 {
            let plan = planner::draw(seed, "crm", Some(Bug::HalfGroup));
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
    }
}
