//! Who is connected, with which devices, and how much of theirs waits to be judged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::ids::{ReplicaId, UserId};
use sync_core::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Feeds of one user that are read at once, each from a snapshot of the database.
const FEEDS_READ_AT_ONCE: usize = 1;

/// Pushes and questions of one user that are parsed at once: the costly part of judging that takes no lock.
const PARSED_AT_ONCE: usize = 1;

/// Sessions by user.
#[derive(Debug)]
pub struct Places {
    taken: Mutex<Taken>,
    /// Room for what waits to be judged, of everybody.
    room: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(limits::WAITING_BYTES));
        Self { taken: Mutex::default(), room }
    }
}

/// Where what a user pushes and asks waits to be judged.
#[derive(Clone, Debug)]
pub struct WaitingRoom {
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    parsing: Arc<Semaphore>,
}

impl WaitingRoom {
    /// Waits for room for so many bytes, at first among those of the user: who pushes much at once waits
    /// for what they pushed before, and nobody else for them. What is longer than any frame can be takes
    /// all that the user has.
    pub async fn take(&self, bytes: usize) -> Option<Room> {
        let bytes = bytes.min(limits::WAITING_BYTES_PER_USER) as u32;
        let own = self.own.clone().acquire_many_owned(bytes).await.ok()?;
        let shared = self.shared.clone().acquire_many_owned(bytes).await.ok()?;
        metrics::gauge!("sync_waiting_bytes").increment(bytes);
        Some(Room { _own: own, _shared: shared, bytes })
    }

    /// Waits for the user's turn to have something parsed: whoever pushes over many lines at once takes
    /// the processors from nobody else.
    pub async fn parsing(&self) -> Option<OwnedSemaphorePermit> {
        self.parsing.clone().acquire_owned().await.ok()
    }
}

/// Room for something that waits to be judged, given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
    bytes: u32,
}

impl Drop for Room {
    fn drop(&mut self) {
        metrics::gauge!("sync_waiting_bytes").decrement(self.bytes);
    }
}

#[derive(Debug, Default)]
struct Taken {
    given: u64,
    users: HashMap<UserId, Sessions>,
}

#[derive(Debug)]
struct Sessions {
    holders: HashMap<u64, Holder>,
    /// Whose feed is being read.
    turn: Arc<Semaphore>,
    /// Whose push is being parsed.
    parsing: Arc<Semaphore>,
    /// Room for what waits to be judged.
    room: Arc<Semaphore>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            holders: HashMap::new(),
            turn: Arc::new(Semaphore::new(FEEDS_READ_AT_ONCE)),
            parsing: Arc::new(Semaphore::new(PARSED_AT_ONCE)),
            room: Arc::new(Semaphore::new(limits::WAITING_BYTES_PER_USER)),
        }
    }
}

#[derive(Debug)]
struct Holder {
    replica: ReplicaId,
    replaced: CancellationToken,
}

/// One session's place among its user's; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    user: UserId,
    number: u64,
    turn: Arc<Semaphore>,
    waiting_room: WaitingRoom,
}

impl Place {
    /// Where what its user pushes and asks waits to be judged.
    pub fn waiting_room(&self) -> WaitingRoom {
        self.waiting_room.clone()
    }

    /// Waits until the feed may be read: whoever connects with many devices at once waits for their own,
    /// and takes neither the database nor the processors from everybody else.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.turn.clone().acquire_owned().await.ok()
    }
}

impl Places {
    /// Takes a place for a user's device, and says how many others the user has. When the device has as
    /// many as it may, its oldest session is told that its place is gone: the line of a device that went
    /// through a tunnel may seem to stand for a long time yet.
    pub fn take(
        self: &Arc<Self>,
        user: UserId,
        replica: ReplicaId,
        replaced: CancellationToken,
    ) -> (Place, usize) {
        let mut taken = self.taken();
        let number = taken.given;
        taken.given += 1;
        let sessions = taken.users.entry(user).or_default();
        let (turn, own) = (sessions.turn.clone(), sessions.room.clone());
        let waiting_room =
            WaitingRoom { own, shared: self.room.clone(), parsing: sessions.parsing.clone() };
        let holders = &mut sessions.holders;
        let of_device = holders.iter().filter(|(_, holder)| holder.replica == replica);
        let mut of_device: Vec<u64> = of_device.map(|(number, _)| *number).collect();
        of_device.sort_unstable();
        let too_many = (of_device.len() + 1).saturating_sub(limits::SESSIONS_PER_DEVICE);
        for oldest in of_device.iter().take(too_many) {
            if let Some(holder) = holders.remove(oldest) {
                holder.replaced.cancel();
            }
        }
        let others = holders.len();
        holders.insert(number, Holder { replica, replaced });
        drop(taken);
        (Place { places: self.clone(), user, number, turn, waiting_room }, others)
    }

    /// Users who are connected.
    pub fn connected_users(&self) -> Vec<UserId> {
        self.taken().users.keys().copied().collect()
    }

    /// Sessions of all users.
    pub fn sessions(&self) -> usize {
        self.taken().users.values().map(|one| one.holders.len()).sum()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(Sessions { holders, .. }) = taken.users.get_mut(&self.user) {
            holders.remove(&self.number);
            if holders.is_empty() {
                taken.users.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;

    /// Whoever pushes more than there is room for waits for what they pushed before; others do not, as
    /// long as there is room for all.
    #[test]
    fn what_waits_to_be_judged_has_room_by_user_and_in_all() {
        let places = Arc::new(Places::default());
        let place = |user: u128| {
            let (user, replica) = (UserId(Uuid::from_u128(user)), ReplicaId(Uuid::from_u128(9)));
            places.take(user, replica, CancellationToken::new()).0
        };
        let take = |place: &Place, bytes| place.waiting_room().take(bytes).now_or_never().flatten();
        let (rosa, again, omar) = (place(1), place(1), place(2));
        let most = limits::WAITING_BYTES_PER_USER;
        let first = take(&rosa, most - 1).expect("there is room");
        assert!(take(&again, 2).is_none(), "of the same user, on another line");
        assert!(take(&again, 1).is_some());
        let others = take(&omar, usize::MAX).expect("there is room");
        let third = place(3);
        assert!(take(&third, most).is_none(), "in all");
        assert!(take(&third, limits::WAITING_BYTES - 2 * most).is_some());
        drop((first, others));
        assert!(take(&again, most).is_some());
    }
}
