//! Who may stand at the door, and for how long.
//!
//! A socket is *unopened* until somebody has signed in on it. Of those there are at most so many, in
//! all and from one address. Who comes when there are that many is not turned away, since then whoever
//! sits there silently would keep everybody else out: the one that has waited longest goes, of the
//! address that has the most. An app needs its place for a moment only.
//!
//! **Invariant**: the sockets of a server and what it keeps in reserve are never more than the files
//! it may open.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sync_core::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::traffic::Traffic;

/// How many sockets there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// On which somebody has signed in.
    pub opened: usize,
    /// On which nobody has.
    pub unopened: usize,
    /// Of these, from one address.
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
}

#[derive(Debug, Default)]
struct Standing {
    came: u64,
    opened: usize,
    /// Those on whose sockets nobody has signed in, in the order in which they came.
    unopened: BTreeMap<u64, (IpAddr, CancellationToken)>,
    by_address: HashMap<IpAddr, BTreeSet<u64>>,
}

impl Standing {
    fn take(&mut self, number: u64) -> Option<CancellationToken> {
        let (address, sent_away) = self.unopened.remove(&number)?;
        if let Some(numbers) = self.by_address.get_mut(&address) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_address.remove(&address);
            }
        }
        Some(sent_away)
    }

    fn count(&self, address: &IpAddr) -> usize {
        self.by_address.get(address).map_or(0, BTreeSet::len)
    }

    /// Sends the one away who came first from an address.
    fn send_away(&mut self, address: &IpAddr) {
        let first = self.by_address.get(address).and_then(BTreeSet::first).copied();
        if let Some(sent_away) = first.and_then(|number| self.take(number)) {
            metrics::counter!("sync_sockets_sent_away_total").increment(1);
            sent_away.cancel();
        }
    }
}

impl Doors {
    /// Doors behind which is so much room.
    pub fn new(room: Room) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(room.opened + room.unopened));
        Arc::new(Self { room, places, standing: Mutex::default() })
    }

    /// Waits until another socket may be taken. Those who were sent away leave their place when their
    /// sockets are closed.
    pub async fn free_place(&self) -> FreePlace {
        let place = self.places.clone().acquire_owned().await;
        place.expect("BUG: the places are never closed")
    }

    /// Takes a socket in. Somebody else is sent away for it if there is no room.
    pub fn admit(self: &Arc<Self>, address: IpAddr, place: FreePlace) -> Visit {
        let mut standing = self.standing();
        if standing.count(&address) >= self.room.from_one_address {
            standing.send_away(&address);
        } else if standing.unopened.len() >= self.room.unopened {
            let rank = |numbers: &BTreeSet<u64>| (numbers.len(), Reverse(numbers.first().copied()));
            let most = standing.by_address.iter().max_by_key(|(_, numbers)| rank(numbers));
            if let Some(address) = most.map(|(address, _)| *address) {
                standing.send_away(&address);
            }
        }
        let number = standing.came;
        standing.came += 1;
        let sent_away = CancellationToken::new();
        standing.unopened.insert(number, (address, sent_away.clone()));
        standing.by_address.entry(address).or_default().insert(number);
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

    #[tokio::test]
    async fn who_waited_longest_of_the_most_goes_and_who_signed_in_stays() {
        let doors = Doors::new(Room { opened: 2, unopened: 4, from_one_address: 3 });
        let come =
            async |last: u8| doors.admit(IpAddr::from([192, 0, 2, last]), doors.free_place().await);
        let signed_in = come(1).await;
        signed_in.open().expect("there is room");
        let crowd = [come(1).await, come(1).await, come(1).await];
        let other = come(2).await;
        let gone = |visit: &Visit| visit.sent_away.is_cancelled();
        assert!(!crowd.iter().chain([&other, &signed_in]).any(gone));
        let fourth = come(1).await;
        assert!(gone(&crowd[0]) && !gone(&crowd[1]), "of its own address, the first");
        drop(crowd);
        let crowd = [fourth, come(1).await, come(1).await];
        let third = come(3).await;
        assert!(gone(&crowd[0]) && !gone(&other), "in all, the first of the most");
        crowd[0].open().expect_err("it has gone");
        crowd[1].open().expect("there is room");
        third.open().expect_err("two have signed in");
        drop(signed_in);
        third.open().expect("one of them left");
        assert!(!gone(&third) && !gone(&crowd[1]));
    }

    #[tokio::test]
    async fn of_addresses_with_as_many_who_came_first_goes() {
        let doors = Doors::new(Room { opened: 2, unopened: 30, from_one_address: 3 });
        let mut crowd = Vec::new();
        for last in 0..40 {
            crowd.push(doors.admit(IpAddr::from([192, 0, 2, last]), doors.free_place().await));
            let gone: Vec<bool> =
                crowd.iter().map(|visit: &Visit| visit.sent_away.is_cancelled()).collect();
            let first = crowd.len() > 30;
            assert!(gone.iter().enumerate().all(|(at, gone)| *gone == (first && at == 0)));
            // Its socket is closed.
            crowd.retain(|visit| !visit.sent_away.is_cancelled());
        }
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
        assert!(standing.by_address.is_empty() && standing.unopened.is_empty());
        assert_eq!(standing.opened, 0);
    }
}
