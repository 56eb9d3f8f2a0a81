//! Who is connected, and how often.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use sync_core::ids::UserId;

/// Open sockets by user.
#[derive(Debug, Default)]
pub struct Places(Mutex<HashMap<UserId, Arc<AtomicUsize>>>);

impl Places {
    /// The counter of a user's open sockets.
    pub fn of(&self, user: UserId) -> Arc<AtomicUsize> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(user).or_default().clone()
    }

    /// Users with open sockets.
    pub fn connected_users(&self) -> Vec<UserId> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A counter that nobody else has is nobody's.
        places.retain(|_, place| Arc::strong_count(place) > 1);
        places.keys().copied().collect()
    }
}
