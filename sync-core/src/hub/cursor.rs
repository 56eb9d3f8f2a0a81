//! The cursor as a replica keeps it: the life of the database, the position, and the base.

use crate::ids::{FeedPosition, ServerEpoch};
use crate::protocol::{Blob, Cursor};

/// Writes a cursor.
pub(super) fn write(epoch: ServerEpoch, position: FeedPosition, base: FeedPosition) -> Cursor {
    let mut bytes = epoch.0.as_bytes().to_vec();
    bytes.extend_from_slice(&position.0.to_be_bytes());
    bytes.extend_from_slice(&base.0.to_be_bytes());
    Blob(bytes)
}

/// Position and base of a cursor of this life.
pub(super) fn read(epoch: ServerEpoch, cursor: &Cursor) -> Option<(FeedPosition, FeedPosition)> {
    let (life, rest) = cursor.0.split_at_checked(16)?;
    let (position, base) = rest.split_at_checked(8)?;
    let position = i64::from_be_bytes(position.try_into().ok()?);
    let base = i64::from_be_bytes(base.try_into().ok()?);
    let sound = life == epoch.0.as_bytes() && (0..=position).contains(&base);
    sound.then_some((FeedPosition(position), FeedPosition(base)))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_cursor_of_another_life_counts_for_nothing() {
        let [life, other] = [1, 2].map(|n| ServerEpoch(Uuid::from_u128(n)));
        let (position, base) = (FeedPosition(77), FeedPosition(5));
        let cursor = write(life, position, base);
        assert_eq!(read(life, &cursor), Some((position, base)));
        assert_eq!(read(other, &cursor), None);
        assert_eq!(read(life, &Blob(vec![1, 2, 3])), None);
    }
}
