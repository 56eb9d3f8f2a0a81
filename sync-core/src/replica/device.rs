//! A replica: its file, its writer and its session.

use std::sync::Arc;

use rusqlite::Connection;

use super::env::{Env, draw};
use super::error::ReplicaError;
use super::moments::ReplicaMoments;
use super::state::Session;
use super::store::{File, Foreign, OpenError};
use super::subscriptions::Subscriptions;
use super::touched::Touched;
use crate::ids::{Actor, ReplicaId, UserId};
use crate::schema::Schema;

/// How to open a replica.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Which records there are.
    pub schema: Arc<Schema>,
    /// Whose records these are; needed when the file is new, and checked when it is not.
    pub user: Option<UserId>,
}

/// One device's copy of the user's records.
#[derive(Debug)]
pub struct Replica {
    pub(super) file: File,
    /// Fresh at every open, and after every refusal: two processes on one file, a restored copy, or
    /// edits before and after a refused one, are two writers.
    pub(super) actor: Actor,
    pub(super) session: Session,
    pub(super) subscriptions: Subscriptions,
    pub(super) last_fault: Option<String>,
}

impl Replica {
    /// Opens the replica in a connection, creating its tables when the file is new.
    ///
    /// When the file was last opened with another schema, the tables of its records are empty at
    /// first: see [`Replica::rebuilding`].
    ///
    /// # Errors
    /// When the file is damaged, of a newer version, another user's, or cannot be used.
    pub fn open(
        db: Connection,
        options: OpenOptions,
        env: &mut dyn Env,
    ) -> Result<Self, OpenError> {
        let mint = || ReplicaId::mint(env.now(), draw(env));
        let file = File::open(db, options.schema, options.user, mint)?;
        let last_fault = file.stored().meta::<Option<String>>("last_fault")?.flatten();
        let actor = Actor(draw(env));
        let (session, subscriptions) = (Session::default(), Subscriptions::default());
        Ok(Self { file, actor, session, subscriptions, last_fault })
    }

    /// Has somebody told of moments from here on: for tests.
    pub fn tell_moments(&mut self, moments: ReplicaMoments) {
        self.file.tell_moments(moments);
    }

    /// Moves everything into the one file, for whoever is about to copy it: beside it SQLite keeps a
    /// journal (`-wal`), which is part of the replica as long as it is not empty. While another process
    /// uses the file nothing is done.
    pub fn gather(&self) {
        self.file.gather();
    }

    /// This copy's id.
    pub fn id(&self) -> ReplicaId {
        self.file.owner().replica
    }

    /// Whose records these are.
    pub fn user(&self) -> UserId {
        self.file.owner().user
    }

    /// The name of the time zone that was set on this device, if one was.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn zone(&self) -> rusqlite::Result<Option<String>> {
        self.file.stored().meta("zone")
    }

    /// Sets the time zone in which times of day are meant that are typed on this device.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_zone(&mut self, name: &str) -> Result<(), ReplicaError> {
        self.file.write(|work| Ok(work.set_meta("zone", &name)?))
    }

    /// Begins another term of whoever has the file: a number greater than all before, by which those who
    /// hear several can tell who has it by now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin_term(&mut self) -> Result<i64, ReplicaError> {
        self.file.write(|work| {
            let term = work.stored().meta::<i64>("term")?.unwrap_or(0).saturating_add(1);
            work.set_meta("term", &term)?;
            Ok(term)
        })
    }

    /// The writer that this open stands for.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Which records there are.
    pub fn schema(&self) -> &Arc<Schema> {
        self.file.tables().schema()
    }

    /// What was written since this was last asked: edits made here, what the server sent and judged,
    /// and what other processes wrote.
    pub fn take_touched(&mut self) -> Touched {
        self.file.take_touched()
    }

    /// Whether another process wrote to the file since the last look. What it wrote counts as touched
    /// then.
    ///
    /// # Errors
    /// When the file cannot be read, or another version of the app uses it.
    pub fn look_for_foreign_writes(&mut self) -> Result<Foreign, ReplicaError> {
        self.file.look_for_foreign_writes()
    }
}
