//! Who is next: work that waits to be judged, by user.
//!
//! Whoever pushes much waits for themselves. Each user has one turn after the other users', so that
//! somebody's single push is judged in the next batch, however many pushes of another user came before it.
//!
//! **Invariant**: the work of one user keeps its order.

use std::collections::{HashMap, VecDeque};

use sync_core::ids::UserId;

/// Work that waits, by user.
#[derive(Debug)]
pub(super) struct Turns<T> {
    waiting: HashMap<UserId, VecDeque<T>>,
    /// Users with something that waits. Who was served last is last.
    order: VecDeque<UserId>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T> Turns<T> {
    /// Work of a user that comes after all of theirs.
    pub(super) fn join(&mut self, user: UserId, work: T) {
        self.queue_of(user).push_back(work);
    }

    /// The rest of work that had its turn: it comes before all else of its user, at their next turn.
    pub(super) fn rejoin(&mut self, user: UserId, work: T) {
        self.queue_of(user).push_front(work);
    }

    /// What is next.
    pub(super) fn peek(&self) -> Option<&T> {
        self.waiting.get(self.order.front()?)?.front()
    }

    /// Takes what is next; its user comes after all others then.
    pub(super) fn next(&mut self) -> Option<T> {
        let user = self.order.pop_front()?;
        let queue = self.waiting.get_mut(&user)?;
        let work = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&user);
        } else {
            self.order.push_back(user);
        }
        work
    }

    fn queue_of(&mut self, user: UserId) -> &mut VecDeque<T> {
        let queue = self.waiting.entry(user).or_default();
        if queue.is_empty() {
            self.order.push_back(user);
        }
        queue
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    /// One pushes all the time; another's only push is next but one, whenever it comes.
    #[test]
    fn who_pushes_once_waits_for_one_push_of_who_pushes_always() {
        let mut turns = Turns::default();
        for n in 0..100 {
            turns.join(user(1), (1, n));
        }
        assert_eq!((turns.next(), turns.next()), (Some((1, 0)), Some((1, 1))));
        turns.join(user(2), (2, 0));
        assert_eq!(
            (turns.next(), turns.next(), turns.next()),
            (Some((1, 2)), Some((2, 0)), Some((1, 3)))
        );
        turns.rejoin(user(1), (1, -1));
        turns.join(user(3), (3, 0));
        assert_eq!(turns.peek(), Some(&(1, -1)));
        assert_eq!(
            (turns.next(), turns.next(), turns.next()),
            (Some((1, -1)), Some((3, 0)), Some((1, 4)))
        );
    }

    #[test]
    fn everything_that_joined_has_its_turn_once() {
        let mut turns = Turns::default();
        for n in 0..3 {
            turns.join(user(n), n);
            turns.join(user(n), n + 10);
        }
        let all: Vec<u128> = std::iter::from_fn(|| turns.next()).collect();
        assert_eq!(all, [0, 1, 2, 10, 11, 12]);
        assert_eq!(turns.peek(), None);
        assert_eq!(turns.next(), None);
    }
}
