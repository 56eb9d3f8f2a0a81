//! Who is connected, and with which devices.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::ids::{ReplicaId, UserId};
use sync_core::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Feeds of one user that are read at once, each from a snapshot of the database.
const FEEDS_READ_AT_ONCE: usize = 1;

/// Sessions by user.
#[derive(Debug, Default)]
pub struct Places(Mutex<Taken>);

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
}

impl Default for Sessions {
    fn default() -> Self {
        Self { holders: HashMap::new(), turn: Arc::new(Semaphore::new(FEEDS_READ_AT_ONCE)) }
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
}

impl Place {
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
        let (holders, turn) = (&mut sessions.holders, sessions.turn.clone());
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
        (Place { places: self.clone(), user, number, turn }, others)
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
