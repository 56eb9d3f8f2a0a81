//! The cursor as a replica keeps it: the life of the database, and how far which part of the feed has come.

use crate::ids::{FeedPosition, ServerEpoch};
use crate::protocol::{Blob, Cursor};

/// How far a replica's feed has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Of what was listed, everything up to here is on the replica.
    pub(super) position: FeedPosition,
    /// Everything up to here is on the replica, whatever was listed since.
    pub(super) base: FeedPosition,
    /// Of changes of access up to here, all that they gave is on the replica, and what they took is not.
    pub(super) access: FeedPosition,
}

/// Writes a cursor.
pub(super) fn write(epoch: ServerEpoch, place: Place) -> Cursor {
    let mut bytes = epoch.0.as_bytes().to_vec();
    for position in [place.position, place.base, place.access] {
        bytes.extend_from_slice(&position.0.to_be_bytes());
    }
    Blob(bytes)
}

/// Reads a cursor of this life.
pub(super) fn read(epoch: ServerEpoch, cursor: &Cursor) -> Option<Place> {
    let (life, rest) = cursor.0.split_at_checked(16)?;
    let (positions, _) = rest.as_chunks::<8>();
    let [position, base, access] = *positions else { return None };
    let [position, base, access] = [position, base, access].map(i64::from_be_bytes);
    let sound = life == epoch.0.as_bytes() && (0..=position.min(access)).contains(&base);
    let [position, base, access] = [position, base, access].map(FeedPosition);
    sound.then_some(Place { position, base, access })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_cursor_of_another_life_counts_for_nothing() {
        let [life, other] = [1, 2].map(|n| ServerEpoch(Uuid::from_u128(n)));
        let [position, base, access] = [77, 5, 99].map(FeedPosition);
        let place = Place { position, base, access };
        let cursor = write(life, place);
        assert_eq!(read(life, &cursor), Some(place));
        assert_eq!(read(other, &cursor), None);
        assert_eq!(read(life, &Blob(vec![1, 2, 3])), None);
    }
}
