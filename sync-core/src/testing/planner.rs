//! Draws plans from seeds.

use std::collections::BTreeSet;

use super::bug::Bug;
use super::device::DeviceId;
use super::fault::FaultPoint;
use super::plan::{Deed, Line, Plan, Version};
use crate::random::Random;

/// Points at which a side may die in any plan; of a push, see [`trouble_on_the_line`].
const POINTS: [FaultPoint; 11] = [
    FaultPoint::DeviceBeforeCommit,
    FaultPoint::DeviceAfterCommit,
    FaultPoint::DeviceMidFeed,
    FaultPoint::DeviceMidWipe,
    FaultPoint::DeviceMidScrub,
    FaultPoint::DeviceMidRebuild,
    FaultPoint::ServerMidJudging,
    FaultPoint::ServerBeforeCommit,
    FaultPoint::ServerAfterCommit,
    FaultPoint::ServerBeforeVerdict,
    FaultPoint::ServerMidFeed,
];

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The plan of a seed.
pub fn draw(seed: u64, trade: &str, bug: Option<Bug>) -> Plan {
    let mut random = Random::of(seed, &[11]);
    let version = |random: &mut Random| {
        if random.percent(25) { Version::Later } else { Version::Present }
    };
    let server = version(&mut random);
    let mut lines = Vec::new();
    let devices = random.between(2, 4);
    for n in 0..devices {
        let (person, version) = (random.number() % 1000, version(&mut random));
        lines.push(Line { at: n, deed: Deed::Join(person, version) });
    }
    let mut drawing = Drawing { random, devices, seed, drawn: BTreeSet::new() };
    let mut at = devices;
    for n in 0..devices {
        at += 10;
        // Most have something in hand before they are heard of.
        for _ in 0..drawing.random.between(1, 3) {
            let number = drawing.number();
            lines.push(Line { at, deed: Deed::Edit(DeviceId(n as usize), number) });
        }
        if drawing.random.percent(80) {
            lines.push(Line { at, deed: Deed::Online(DeviceId(n as usize)) });
        }
    }
    for _ in 0..drawing.random.between(15, 40) {
        at += match drawing.random.below(10) {
            0 => drawing.random.between(5_000, 50_000),
            1..=3 => drawing.random.between(500, 5000),
            _ => drawing.random.between(1, 300),
        };
        let deed = drawing.deed();
        lines.push(Line { at, deed });
        for deed in drawing.so_that_it_comes_to_it(deed) {
            at += drawing.random.between(50, 400);
            lines.push(Line { at, deed });
        }
    }
    lines.extend(trouble_on_the_line(seed, devices, at));
    lines.sort_by_key(|line| line.at);
    Plan { seed, trade: trade.to_owned(), server, bug, lines }
}

/// Lines that are slow or break all the time, and devices that die just before they send, in a third of
/// all plans. Drawn by themselves, so that everything else of a plan is the same with and without.
fn trouble_on_the_line(seed: u64, devices: u64, until: u64) -> Vec<Line> {
    let mut random = Random::of(seed, &[12]);
    if !random.percent(33) {
        return Vec::new();
    }
    let one = |random: &mut Random| {
        let device = DeviceId(random.below(devices) as usize);
        match random.below(3) {
            0 => {
                let rates = [0, 300, 3000, 20_000];
                Deed::Slow(device, random.pick(&rates).copied().unwrap_or(300))
            }
            1 => Deed::Cuts(device, random.pick(&[0, 2000, 5000]).copied().unwrap_or(2000)),
            _ => Deed::Kill(device, FaultPoint::DeviceBeforePush, random.between(1, 3)),
        }
    };
    let count = random.between(1, 5);
    (0..count)
        .map(|_| Line { at: random.between(devices, until), deed: one(&mut random) })
        .collect()
}

struct Drawing {
    random: Random,
    devices: u64,
    seed: u64,
    drawn: BTreeSet<u64>,
}

impl Drawing {
    /// A number that no other line of the plan has: edits are told apart by it.
    fn number(&mut self) -> u64 {
        loop {
            let number = self.random.below(1_000_000)
                + self.seed.wrapping_mul(1_000_000) % 1_000_000_000_000;
            if self.drawn.insert(number) {
                return number;
            }
        }
    }

    fn device(&mut self) -> DeviceId {
        DeviceId(self.random.below(self.devices) as usize)
    }

    /// What leads to a point at which few runs would come by themselves.
    fn so_that_it_comes_to_it(&mut self, deed: Deed) -> Vec<Deed> {
        match deed {
            Deed::Kill(device, FaultPoint::DeviceMidWipe | FaultPoint::DeviceMidScrub, _) => {
                let administer = (0..4).map(|_| Deed::Administer(self.number()));
                [Deed::Online(device)].into_iter().chain(administer).collect()
            }
            Deed::Kill(device, FaultPoint::DeviceMidRebuild, _) => {
                let other = [Version::Present, Version::Later];
                other.map(|version| Deed::Update(device, version)).into()
            }
            Deed::BackUp(device) => {
                let edits = (0..2).map(|_| Deed::Edit(device, self.number()));
                edits.chain([Deed::Restore(device)]).collect()
            }
            Deed::KeepStore => {
                let online = (0..self.devices.min(4)).map(|n| Deed::Online(DeviceId(n as usize)));
                let online: Vec<Deed> = online.collect();
                let edits = (0..3).map(|_| Deed::Edit(self.device(), self.number()));
                let edits: Vec<Deed> = edits.collect();
                online.into_iter().chain(edits).chain([Deed::RestoreStore]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn deed(&mut self) -> Deed {
        let device = self.device();
        let number = self.number();
        match self.random.below(100) {
            0..36 => Deed::Edit(device, number),
            36..37 => Deed::KeepStore,
            37..38 => Deed::RestoreStore,
            38..52 => Deed::Administer(number),
            52..59 => Deed::Online(device),
            59..63 => Deed::Offline(device),
            63..65 => Deed::Refused(device, number),
            65..66 => Deed::Ask(device, number),
            66..69 => Deed::Cut(device),
            69..71 => Deed::Silence(device),
            71..73 => Deed::Partition(device, self.random.between(1000, 90_000)),
            73..74 => Deed::Repeat(device),
            74..83 => {
                let point = self.random.pick(&POINTS).copied();
                let nth = self.random.between(1, 4);
                Deed::Kill(device, point.unwrap_or(FaultPoint::DeviceBeforeCommit), nth)
            }
            83..84 => Deed::Crash(device),
            84..85 => Deed::CrashServer,
            85..86 => Deed::FillDisk(device),
            86..87 => Deed::ClearDisk(device),
            87..89 => Deed::FailWrite(device, self.random.between(1, 5)),
            89..90 => Deed::FailStore(self.random.between(1, 3)),
            90..92 => Deed::BackUp(device),
            92..93 => Deed::Restore(device),
            93..94 => {
                self.devices += 1;
                Deed::Copy(device)
            }
            94..95 => {
                self.devices += 1;
                Deed::Second(device)
            }
            95..96 => {
                let days = self.random.between(0, 6) as i64 - 3;
                match self.random.below(8) {
                    0 => Deed::Clock(device, -60 * 365 * DAY),
                    1 => Deed::ServerClock(days * DAY),
                    _ => Deed::Clock(device, days * DAY),
                }
            }
            96..98 => {
                let later = self.random.percent(70);
                Deed::Update(device, if later { Version::Later } else { Version::Present })
            }
            _ => {
                self.devices += 1;
                Deed::Join(number % 1000, Version::Present)
            }
        }
    }
}
