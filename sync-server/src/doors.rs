//! Who may stand at the door, and for how long.
//!
//! A socket is *unopened* until somebody has signed in on it. Of those there are at most so many, in
//! all and from one neighbourhood. Who comes when there are that many is not turned away, since then
//! whoever sits there silently would keep everybody else out: another one goes. Those go first that have
//! sent nothing; among them, one from where most come; and among these, any. If the one went that waited
//! longest, strangers who come fast enough would keep out everybody whose line is slower than they are.
//! An app speaks at once, and needs its place for a moment only.
//!
//! **Invariant**: the sockets of a server and what it keeps in reserve are never more than the files
//! it may open.

mod crowd;
mod neighbourhood;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sync_core::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::ops::people::entropy;
use crate::traffic::Traffic;
use crowd::Crowd;
use neighbourhood::Neighbourhood;

/// How many sockets there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// On which somebody has signed in.
    pub opened: usize,
    /// On which nobody has.
    pub unopened: usize,
    /// Of these, from one neighbourhood.
    pub from_one_address: usize,
}

impl Room {
    /// For those who ask for metrics: nobody signs in there.
    pub const METRICS: Self = Self { opened: 0, unopened: 16, from_one_address: 16 };

    /// What so many open files leave room for, beside so many connections to the database. Where files
    /// are few, a quarter of them stays with those who have not signed in: one of them asks for the
    /// server's health.
    pub fn within(files: usize, database: usize) -> Self {
        let left = files.saturating_sub(limits::FILES_IN_RESERVE + database).max(8);
        let unopened = limits::UNOPENED_SOCKETS.min(left / 4);
        let opened = limits::OPENED_SOCKETS.min(left - unopened);
        let from_one_address = limits::UNOPENED_SOCKETS_PER_ADDRESS.min(unopened / 2);
        Self { opened, unopened, from_one_address }
    }
}

/// Raises the number of files that this process may open as far as the system lets it, and says how
/// many that are.
pub fn raise_open_files() -> usize {
    let before = getrlimit(Resource::Nofile);
    let most = Rlimit { current: before.maximum, maximum: before.maximum };
    let now = setrlimit(Resource::Nofile, most).map_or(before.current, |()| before.maximum);
    now.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// A free place for a socket; given back when it is dropped.
pub type FreePlace = OwnedSemaphorePermit;

/// There is no room for another session.
#[derive(Debug)]
pub struct Full;

/// The sockets of a listener.
#[derive(Debug)]
pub struct Doors {
    room: Room,
    places: Arc<Semaphore>,
    standing: Mutex<Standing>,
    chance: fn() -> u64,
}

#[derive(Debug, Default)]
struct Standing {
    came: u64,
    opened: usize,
    /// Whom to tell that they must go, of those on whose sockets nobody has signed in.
    unopened: HashMap<u64, CancellationToken>,
    /// Those of them that have sent nothing, and the others.
    silent: Crowd,
    speaking: Crowd,
}

impl Standing {
    fn take(&mut self, number: u64) -> Option<CancellationToken> {
        if self.silent.remove(number).is_none() {
            self.speaking.remove(number);
        }
        self.unopened.remove(&number)
    }

    fn count(&self, from: &Neighbourhood) -> usize {
        self.silent.count(from) + self.speaking.count(from)
    }

    /// A socket sent something.
    fn spoke(&mut self, number: u64) {
        if let Some(from) = self.silent.remove(number) {
            self.speaking.add(number, from);
        }
    }

    /// Sends somebody away: one from somewhere, or from where most come.
    fn send_away(&mut self, from: Option<&Neighbourhood>, chance: u64) {
        let pick = |crowd: &Crowd| match from {
            Some(from) => crowd.pick_from(from, chance),
            None => crowd.pick(chance),
        };
        let picked = pick(&self.silent).or_else(|| pick(&self.speaking));
        if let Some(sent_away) = picked.and_then(|number| self.take(number)) {
            metrics::counter!("sync_sockets_sent_away_total").increment(1);
            sent_away.cancel();
        }
    }
}

impl Doors {
    /// Doors behind which is so much room.
    pub fn new(room: Room) -> Arc<Self> {
        Self::by_chance(room, || u64::from_le_bytes(entropy()))
    }

    fn by_chance(room: Room, chance: fn() -> u64) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(room.opened + room.unopened));
        Arc::new(Self { room, places, standing: Mutex::default(), chance })
    }

    /// Waits until another socket may be taken. Those who were sent away leave their place when their
    /// sockets are closed.
    pub async fn free_place(&self) -> FreePlace {
        let place = self.places.clone().acquire_owned().await;
        place.expect("BUG: the places are never closed")
    }

    /// Takes a socket in. Somebody else is sent away for it if there is no room.
    pub fn admit(self: &Arc<Self>, address: IpAddr, place: FreePlace) -> Visit {
        let from = Neighbourhood::of(address);
        let mut standing = self.standing();
        if standing.count(&from) >= self.room.from_one_address {
            standing.send_away(Some(&from), (self.chance)());
        } else if standing.unopened.len() >= self.room.unopened {
            standing.send_away(None, (self.chance)());
        }
        let number = standing.came;
        standing.came += 1;
        let sent_away = CancellationToken::new();
        standing.unopened.insert(number, sent_away.clone());
        standing.silent.add(number, from);
        drop(standing);
        Visit { doors: self.clone(), number, traffic: Traffic::default(), sent_away, _place: place }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One socket, from when it was accepted until it is closed.
#[derive(Debug)]
pub struct Visit {
    doors: Arc<Doors>,
    number: u64,
    traffic: Traffic,
    sent_away: CancellationToken,
    _place: FreePlace,
}

impl Visit {
    /// What the socket moves.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Bytes came down the socket.
    pub(crate) fn came(&self, bytes: usize) {
        if self.traffic.came(bytes) {
            self.doors.standing().spoke(self.number);
        }
    }

    /// Somebody has signed in; from here on the socket is not sent away, and may send at length.
    ///
    /// # Errors
    /// When as many have signed in as there may be.
    pub fn open(&self) -> Result<(), Full> {
        let mut standing = self.doors.standing();
        if self.traffic.is_opened() {
            return Ok(());
        }
        if standing.opened >= self.doors.room.opened || self.sent_away.is_cancelled() {
            return Err(Full);
        }
        standing.take(self.number);
        standing.opened += 1;
        self.traffic.open();
        Ok(())
    }

    /// Waits until this socket must go so that others can come.
    pub async fn sent_away(&self) {
        self.sent_away.cancelled().await;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut standing = self.doors.standing();
        if self.traffic.is_opened() {
            standing.opened -= 1;
        } else {
            standing.take(self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn sockets_and_the_reserve_fit_into_the_files() {
        for files in [256, 1024, 4096, 65_536, usize::MAX] {
            let room = Room::within(files, 12);
            let all = room.opened + room.unopened + limits::FILES_IN_RESERVE + 12;
            assert!(all <= files, "{room:?} of {files}");
            assert!(room.from_one_address < room.unopened, "{room:?}");
            assert!(room.opened > room.unopened, "{room:?}");
        }
        assert_eq!(Room::within(usize::MAX, 12).unopened, limits::UNOPENED_SOCKETS);
        assert!(Room::within(0, 12).unopened > 0, "somebody can still ask how it is");
    }

    /// The same draws in every run.
    fn drawn() -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(88_172_645_463_325_252);
        let step = |last: u64| {
            let last = last ^ (last << 13);
            let last = last ^ (last >> 7);
            last ^ (last << 17)
        };
        let relaxed = Ordering::Relaxed;
        LAST.fetch_update(relaxed, relaxed, |last| Some(step(last))).unwrap_or_default()
    }

    fn gone(visit: &Visit) -> bool {
        visit.sent_away.is_cancelled()
    }

    #[tokio::test]
    async fn the_silent_go_first_and_who_signed_in_stays() {
        let doors = Doors::new(Room { opened: 3, unopened: 4, from_one_address: 3 });
        let come =
            async |last: u8| doors.admit(IpAddr::from([192, 0, 2, last]), doors.free_place().await);
        let signed_in = come(1).await;
        signed_in.open().expect("there is room");
        let [first, second, third] = [come(1).await, come(1).await, come(1).await];
        first.came(1);
        third.came(1);
        let other = come(2).await;
        assert!(![&first, &second, &third, &other, &signed_in].into_iter().any(gone));
        let fourth = come(1).await;
        assert!(gone(&second) && !gone(&first) && !gone(&third), "of its own the silent one");
        second.open().expect_err("it has gone");
        drop(second);
        fourth.came(1);
        let fifth = come(3).await;
        assert!(gone(&other), "in all the silent one, though most come from elsewhere");
        drop(other);
        fifth.came(1);
        let sixth = come(4).await;
        let most = [&first, &third, &fourth];
        assert_eq!(
            most.iter().filter(|one| gone(one)).count(),
            1,
            "of the speaking, one of the most"
        );
        assert!(!gone(&fifth) && !gone(&sixth) && !gone(&signed_in));
        for stays in most.iter().filter(|one| !gone(one)) {
            stays.open().expect("there is room");
        }
        fifth.open().expect_err("three have signed in");
        drop(signed_in);
        fifth.open().expect("one of them left");
    }

    /// A thousand strangers come for each moment that a slow line takes to speak and to sign in, from as
    /// many addresses. Whoever has sent a part of a request stays; of those who have not yet, most do
    /// for as long as the half of the places are taken anew.
    #[tokio::test]
    async fn a_flood_keeps_out_nobody_who_speaks_and_few_who_are_about_to() {
        let room = Room { opened: 100, unopened: 200, from_one_address: 100 };
        let doors = Doors::by_chance(room, drawn);
        let mut stranger = 0_u32;
        let mut flood = async |sockets: &mut Vec<Visit>, count: usize| {
            for _ in 0..count {
                sockets.retain(|visit| !gone(visit));
                stranger += 1;
                let address = IpAddr::from((0x0a00_0000 + stranger).to_be_bytes());
                sockets.push(doors.admit(address, doors.free_place().await));
            }
        };
        let mut strangers = Vec::new();
        flood(&mut strangers, room.unopened).await;
        let (mut tries, mut came_through) = (0, 0);
        while came_through < 50 {
            tries += 1;
            let app = doors.admit(IpAddr::from([192, 0, 2, 1]), doors.free_place().await);
            flood(&mut strangers, room.unopened / 2).await;
            if gone(&app) {
                continue;
            }
            app.came(100);
            flood(&mut strangers, 1000).await;
            assert!(!gone(&app), "it has spoken");
            app.open().expect("there is room");
            came_through += 1;
        }
        assert!(tries < 110, "{tries} tries for {came_through}");
    }

    #[tokio::test]
    async fn all_places_are_given_back() {
        let room = Room { opened: 1, unopened: 2, from_one_address: 1 };
        let doors = Doors::new(room);
        for last in 0..50 {
            let visit = doors.admit(IpAddr::from([192, 0, 2, last]), doors.free_place().await);
            if last % 2 == 0 {
                visit.open().expect("there is room");
            }
        }
        assert_eq!(doors.places.available_permits(), 3);
        let standing = doors.standing();
        assert!(standing.unopened.is_empty());
        assert_eq!(standing.silent.len() + standing.speaking.len(), 0);
        assert_eq!(standing.opened, 0);
    }
}
