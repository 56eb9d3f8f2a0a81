//! Whoever may: the rules of a trade, as a model store asks them.

use std::collections::BTreeMap;
use std::fmt;

use super::records::Records;
use crate::cell::Cell;
use crate::error::Refusal;
use crate::event::EventData;
use crate::ids::{FeedPosition, RecordId, ScopeId, UserId};
use crate::random::Random;
use crate::role::Role;
use crate::schema::{Kind, RowView};

/// A row that only the server writes.
#[derive(Clone, Debug)]
pub struct ServerRecord {
    /// Its kind's name.
    pub kind: &'static str,
    /// The record.
    pub id: RecordId,
    /// Its cells by the names of their columns; the others are NULL.
    pub cells: BTreeMap<&'static str, Cell>,
}

/// A row that a user writes.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    /// Who.
    pub user: UserId,
    /// How far the device's feed had come when the edit was made, as the device says.
    pub seen: Option<FeedPosition>,
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: &'a Kind,
    /// Whether what it hangs from is written, though that may come out as it was.
    pub moved: bool,
    /// The row as it stands; none of a record that begins.
    pub before: Option<RowView<'a>>,
    /// The row as it is to be.
    pub after: RowView<'a>,
}

/// What an administrator or a manager does at the server.
#[derive(Clone, Debug)]
pub enum ServerStep {
    /// Writes a row that only the server writes.
    Put(ServerRecord),
    /// Appends an event to a log that only the server writes, in somebody's name.
    Append {
        /// In whose name.
        by: UserId,
        /// Of which record.
        record: RecordId,
        /// Its kind's name.
        kind: &'static str,
        /// To which log.
        field: &'static str,
        /// What.
        data: EventData,
    },
}

/// The rules of a trade. A simulation knows no others; a trade of your own needs a schema and these.
pub trait Rules: fmt::Debug {
    /// The people and other rows that a server begins with.
    fn founding(&self) -> Vec<ServerRecord>;

    /// Everybody who has an account, active or not, always in the same order.
    fn people(&self, records: &Records) -> Vec<UserId>;

    /// Whether somebody may sign in.
    fn is_active(&self, records: &Records, user: UserId) -> bool;

    /// What somebody is.
    fn role(&self, _records: &Records, _user: UserId) -> Role {
        Role::Other("member".into())
    }

    /// Whether a person who is active sees what hangs from a scope. Everybody sees
    /// [`ScopeId::EVERYONE`] and what hangs from themselves, without this being asked.
    fn sees(&self, records: &Records, user: UserId, scope: ScopeId) -> bool;

    /// Whether a person who is active may write a row.
    ///
    /// # Errors
    /// Why not.
    fn judge(&self, records: &Records, writing: &Writing<'_>) -> Result<(), Refusal>;

    /// Something that is done at the server, if there is anything to do.
    fn administer(&self, _records: &Records, _random: &mut Random) -> Option<ServerStep> {
        None
    }
}
