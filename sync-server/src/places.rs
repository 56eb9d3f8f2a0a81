//! Who is connected, and with which devices.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::ids::{ReplicaId, UserId};
use tokio_util::sync::CancellationToken;

/// Sessions by user.
#[derive(Debug, Default)]
pub struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    given: u64,
    users: HashMap<UserId, HashMap<u64, Holder>>,
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
}

impl Places {
    /// Takes a place for a user's device, and says how many the user's other devices have. A device has
    /// one: whoever holds it by now is told that it is gone. The line of a device that went through a
    /// tunnel may seem to stand for a long time yet.
    pub fn take(
        self: &Arc<Self>,
        user: UserId,
        replica: ReplicaId,
        replaced: CancellationToken,
    ) -> (Place, usize) {
        let mut taken = self.taken();
        let number = taken.given;
        taken.given += 1;
        let holders = taken.users.entry(user).or_default();
        holders.retain(|_, holder| {
            let other = holder.replica != replica;
            if !other {
                holder.replaced.cancel();
            }
            other
        });
        let others = holders.len();
        holders.insert(number, Holder { replica, replaced });
        drop(taken);
        (Place { places: self.clone(), user, number }, others)
    }

    /// Users who are connected.
    pub fn connected_users(&self) -> Vec<UserId> {
        self.taken().users.keys().copied().collect()
    }

    /// Sessions of all users.
    pub fn sessions(&self) -> usize {
        self.taken().users.values().map(HashMap::len).sum()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(holders) = taken.users.get_mut(&self.user) {
            holders.remove(&self.number);
            if holders.is_empty() {
                taken.users.remove(&self.user);
            }
        }
    }
}
