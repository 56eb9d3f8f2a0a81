//! The handle that an app holds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use sync_core::crm;
use sync_core::document::{Hydrated, RecordEdit};
use sync_core::ids::{ChangeHash, ImportId, RecordId, ReplicaId, UserId};
use sync_core::replica::{
    BringBackPreview, BroughtBack, Committed, Contested, Duplicate, GroupEdit, HistoryEntry,
    Import, Incomplete, Likeness, LinkFault, LinkStatus, ListOptions, LiveQuery, OpenError,
    OpenOptions, PendingEdit, Quarantined, QueryError, Rebuilding, Replica, ReplicaError,
    ReportError, ResubmitError, SearchHit, SettleError, Status, Table, UndoError, Undone,
    UndoneChange, WouldBe, private,
};
use sync_core::schema::{Kind, Report, Schema};
use tokio::sync::{broadcast, oneshot};

use crate::mail::Mail;
use crate::shared::{ClientEvent, Shared};
use crate::task::{REBUILD_PAUSE, REBUILT_AT_ONCE};
use crate::{LiveRows, Server, StatusStream, SyncSummary, SystemEnv, task};

/// A device's copy of its user's records.
///
/// A handle: cheap to clone and safe to use from any thread. Editing and reading are plain calls that
/// never wait for the network; an edit is durable when its call returns. In the background, one task
/// speaks to the server once [`Client::connect`] or [`Client::sync`] asks for it, and goes on until
/// the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    id: ReplicaId,
    user: UserId,
    schema: Arc<Schema>,
}

impl Client {
    /// Opens a file with the records of a CRM, creating it when a user is named. Only its owner reads
    /// it, and what SQLite keeps beside it; a file that others could read until now is closed to them.
    ///
    /// # Errors
    /// When the file is damaged, another user's, no file, or cannot be used.
    pub fn open(path: &Path, user: Option<UserId>) -> Result<Self, OpenError> {
        // Private from the beginning; what keeps it from being opened, SQLite says better. A file that is
        // there may be another program's.
        if !path.exists() {
            let _ = private::begin(path);
        }
        private::check_database(path)?;
        Self::open_with(Connection::open(path)?, OpenOptions { schema: crm::schema(), user })
    }

    /// Opens a replica in a connection to SQLite, of any schema.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn open_with(db: Connection, options: OpenOptions) -> Result<Self, OpenError> {
        Ok(Self::of(Replica::open(db, options, &mut SystemEnv)?))
    }

    /// A handle on a replica that is open.
    pub fn of(replica: Replica) -> Self {
        let (id, user, schema) = (replica.id(), replica.user(), replica.schema().clone());
        let rebuilding = replica.rebuilding().is_ok_and(|progress| progress.is_some());
        let shared = Arc::new(Shared::new(replica, SystemEnv, task::start));
        if rebuilding {
            shared.post(Mail::Rebuild);
        }
        Self { shared, id, user, schema }
    }

    /// This copy's id.
    pub fn id(&self) -> ReplicaId {
        self.id
    }

    /// Whose records these are.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The kinds of records that it holds.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Works on the replica itself, for what the handle has no call of its own. Everybody else waits
    /// meanwhile.
    pub fn with_replica<T>(&self, work: impl FnOnce(&mut Replica, &mut SystemEnv) -> T) -> T {
        self.shared.write(work)
    }

    /// How far the tables are laid out anew, after an update that changed the declarations; `None`
    /// when they are complete. Until then lists and searches may lack records. It is done in the
    /// background from the opening on, and live queries and the status tell how it goes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rebuilding(&self) -> rusqlite::Result<Option<Rebuilding>> {
        self.shared.read(|replica| replica.rebuilding())
    }

    /// Lays out the tables to the end, for whoever waits for it; tells how it goes. A plain call, which
    /// takes its time.
    ///
    /// # Errors
    /// When the file cannot be written; what was laid out stays.
    pub fn rebuild(&self, mut told: impl FnMut(Rebuilding)) -> Result<(), ReplicaError> {
        let some = |replica: &mut Replica, _: &mut SystemEnv| replica.rebuild_some(REBUILT_AT_ONCE);
        while let Some(progress) = self.shared.write(some)? {
            told(progress);
            std::thread::sleep(REBUILD_PAUSE);
        }
        Ok(())
    }

    /// Moves everything into the one file, for whoever is about to copy it, or ends: see
    /// [`Replica::gather`].
    pub fn gather(&self) {
        self.shared.read(|replica| replica.gather());
    }

    // Editing.

    /// A new record's id.
    pub fn mint_id(&self) -> RecordId {
        self.shared.read(|replica| replica.mint_id(&mut SystemEnv))
    }

    /// Makes a group of edits, all or none; returns once they are durable and queries see them.
    ///
    /// # Errors
    /// When an edit is wrong or the file cannot be written; then nothing was written.
    pub fn commit(&self, edits: &[GroupEdit]) -> Result<Committed, ReplicaError> {
        self.shared.write(|replica, env| replica.commit(edits, env))
    }

    /// Makes several groups in one transaction: durable together, but judged by the server each by
    /// itself. For imports.
    ///
    /// # Errors
    /// As [`Client::commit`].
    pub fn commit_each(&self, groups: &[&[GroupEdit]]) -> Result<Vec<Committed>, ReplicaError> {
        self.shared.write(|replica, env| replica.commit_each(groups, env))
    }

    /// Creates one record.
    ///
    /// # Errors
    /// As [`Client::commit`].
    pub fn create(&self, kind: &Kind, edit: RecordEdit) -> Result<RecordId, ReplicaError> {
        self.shared.write(|replica, env| replica.create(kind, edit, env))
    }

    /// Edits one record.
    ///
    /// # Errors
    /// As [`Client::commit`].
    pub fn edit(&self, id: RecordId, edit: RecordEdit) -> Result<Committed, ReplicaError> {
        self.shared.write(|replica, env| replica.edit(id, edit, env))
    }

    // Reading.

    /// Reads one record with its conflicts and oddities; `None` when it is not on this device.
    ///
    /// # Errors
    /// When the stored document is damaged.
    pub fn record(&self, id: RecordId) -> Result<Option<Hydrated>, ReplicaError> {
        self.shared.read(|replica| replica.record(id))
    }

    /// The kind of a record on this device.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn kind_of(&self, id: RecordId) -> Result<Option<Kind>, ReplicaError> {
        self.shared.read(|replica| replica.kind_of(id))
    }

    /// The whole document of a record, as Automerge saves it.
    ///
    /// # Errors
    /// When the record is not here or its document is damaged.
    pub fn save_document(&self, id: RecordId) -> Result<Vec<u8>, ReplicaError> {
        self.shared.read(|replica| replica.save_document(id))
    }

    /// Answers one SQL statement that reads.
    ///
    /// # Errors
    /// When it would write, or SQLite cannot make sense of it.
    pub fn query(&self, sql: &str) -> Result<Table, QueryError> {
        self.shared.read(|replica| replica.query(sql))
    }

    /// Lists the records of a kind, newest first.
    ///
    /// # Errors
    /// When the condition is no SQL.
    pub fn list(&self, kind: &Kind, options: &ListOptions) -> Result<Table, QueryError> {
        self.shared.read(|replica| replica.list(kind, options))
    }

    /// Finds records by the words in their names, titles, notes and e-mail addresses, each of which may be begun
    /// only, and by digits of their telephone numbers, four in a row or more, written in any way.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn search(&self, text: &str, most: u32) -> Result<Vec<SearchHit>, QueryError> {
        self.shared.read(|replica| replica.search(text, most))
    }

    /// The records of a kind that may be the same as one that is about to be made, the likeliest first, and
    /// why.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn duplicates(
        &self,
        kind: &Kind,
        likeness: &Likeness,
        most: usize,
    ) -> Result<Vec<Duplicate>, QueryError> {
        self.shared.read(|replica| replica.duplicates(kind, likeness, most))
    }

    /// What an edit that begins a record says of it, for [`Client::duplicates`]; none of a kind whose records
    /// are not compared.
    pub fn likeness(&self, kind: &Kind, edit: &RecordEdit) -> Option<Likeness> {
        self.shared.read(|replica| replica.likeness(kind, edit, &mut SystemEnv))
    }

    /// Subscribes to a query: its rows, and from then on what becomes of them, whoever wrote.
    ///
    /// # Errors
    /// When the statement would write, or SQLite cannot make sense of it.
    pub fn subscribe(&self, query: LiveQuery) -> Result<LiveRows, QueryError> {
        LiveRows::begin(&self.shared, query)
    }

    // What became of a record.

    /// What became of a record, newest first: each change with who made it and when, and what its fields
    /// said before and after. At most so many are told.
    ///
    /// # Errors
    /// When the record is not on this device or its document is damaged.
    pub fn history(&self, id: RecordId, most: usize) -> Result<Vec<HistoryEntry>, ReplicaError> {
        self.shared.read(|replica| replica.history(id, most))
    }

    /// Undoes a change of a record by an edit that puts back what it changed, for the fields that still say
    /// what it wrote; the others are named and left.
    ///
    /// # Errors
    /// When there is no such change, or nothing of it is left to undo.
    pub fn undo(&self, id: RecordId, change: ChangeHash) -> Result<UndoneChange, UndoError> {
        self.shared.write(|replica, env| replica.undo(id, change, env))
    }

    // What several people gave different values at once.

    /// Every field of every record here that is contested, with who said what and when, and the value that all
    /// of them started from.
    ///
    /// # Errors
    /// When the file cannot be read or a document is damaged.
    pub fn conflicts(&self) -> Result<Vec<Contested>, ReplicaError> {
        self.shared.read(|replica| replica.conflicts())
    }

    /// The contested fields of one record.
    ///
    /// # Errors
    /// When its document is damaged.
    pub fn conflicts_of(&self, id: RecordId) -> Result<Vec<Contested>, ReplicaError> {
        self.shared.read(|replica| replica.conflicts_of(id))
    }

    /// Settles a contested field by giving it this value; a deletion by `true`, which deletes again, or `false`,
    /// which restores.
    ///
    /// # Errors
    /// When the field is not contested or the value does not fit.
    pub fn settle(
        &self,
        id: RecordId,
        field: &str,
        value: &serde_json::Value,
    ) -> Result<Committed, SettleError> {
        self.shared.write(|replica, env| replica.settle(id, field, value, env))
    }

    // Reports.

    /// The reports that can be asked for, with what each tells.
    pub fn reports(&self) -> &'static [Report] {
        self.schema.reports()
    }

    /// The rows of a report over the records that are here: the same statement that the server runs. What
    /// a device cannot know, such as when other people last synced, is NULL.
    ///
    /// # Errors
    /// When there is no such report or the file cannot be read.
    pub fn report(&self, name: &str) -> Result<Table, ReportError> {
        self.shared.read(|replica| replica.report(name, SystemEnv.local_time()))
    }

    // Imports: see `import` for how a file is read.

    /// The imports of this device, the newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn imports(&self) -> Result<Vec<Import>, QueryError> {
        self.shared.read(|replica| replica.imports())
    }

    /// Takes an import back: what began with it is deleted, and what it changed says again what it said
    /// before. Records on which somebody worked since stay. None when there is no such import that stands.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was.
    pub fn undo_import(&self, import: ImportId) -> Result<Option<Undone>, ReplicaError> {
        self.shared.write(|replica, env| replica.undo_import(import, env))
    }

    /// What [`Client::bring_back`] would do: which records would change, and each field's value now and
    /// then. Nothing is written.
    ///
    /// # Errors
    /// When the file cannot be read or is in use for long.
    pub fn preview_bring_back(
        &self,
        edits: &[PendingEdit],
    ) -> Result<BringBackPreview, ReplicaError> {
        self.shared.read(|replica| replica.preview_bring_back(edits))
    }

    /// Puts edits that were saved from a damaged file into this one, to be sent: see [`crate::rescue`]. A
    /// file of edits may be anybody's making, and they are sent in this user's name: let the person see
    /// [`Client::preview_bring_back`] before.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was.
    pub fn bring_back(&self, edits: &[PendingEdit]) -> Result<BroughtBack, ReplicaError> {
        self.shared.write(|replica, _| replica.bring_back(edits))
    }

    pub(crate) fn read_replica<T>(&self, work: impl FnOnce(&mut Replica) -> T) -> T {
        self.shared.read(work)
    }

    // Refused edits.

    /// Edits that the server refused, with its reasons.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn quarantine(&self) -> rusqlite::Result<Vec<Quarantined>> {
        self.shared.read(|replica| replica.quarantine())
    }

    /// Makes a refused edit again on the record as it is now, with corrections.
    ///
    /// # Errors
    /// When there is no such edit, or the result is wrong.
    pub fn resubmit(&self, hash: ChangeHash, corrections: RecordEdit) -> Result<(), ResubmitError> {
        self.shared.write(|replica, env| replica.resubmit(hash, corrections, env).map(drop))
    }

    /// Throws a refused edit away; whether there was one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn discard(&self, hash: ChangeHash) -> Result<bool, ReplicaError> {
        self.shared.write(|replica, _| replica.discard(hash))
    }

    // The server.

    /// Speaks to this server from now on. A connection to another one is closed.
    pub fn use_server(&self, server: Server) {
        self.shared.post(Mail::Use(Box::new(server)));
    }

    /// Stays connected from now on, and connects again whenever that breaks. How it goes is told by
    /// [`Client::status_stream`] and [`Client::events`].
    pub fn connect(&self) {
        self.shared.post(Mail::Connect);
    }

    /// Closes the connection and waits until it is closed.
    pub async fn disconnect(&self) {
        let (reply, done) = oneshot::channel();
        self.shared.post(Mail::Disconnect(reply));
        let _ = done.await;
    }

    /// Sends everything and receives everything, over the connection that stands or one of its own.
    ///
    /// # Errors
    /// When it could not come to its end; every edit stays on the device.
    pub async fn sync(&self) -> Result<SyncSummary, LinkFault> {
        let (reply, done) = oneshot::channel();
        self.shared.post(Mail::Sync(reply));
        done.await.unwrap_or_else(|_| Err(LinkFault::Broken("the link has ended".into())))
    }

    /// Whether a group of edits would be refused if it were made and sent now: accepted, refused
    /// with the server's reason, or unknown with ours, as it is offline, when the server does not
    /// answer in time, and when it does not let us in. Nothing is made or sent for it, and where it
    /// makes a connection of its own, nothing is taken in.
    ///
    /// # Errors
    /// As a commit of the same edits, with or without a network.
    pub async fn would_be(
        &self,
        edits: &[GroupEdit],
        within: Duration,
    ) -> Result<WouldBe, ReplicaError> {
        let question = self.shared.read(|replica| replica.question(edits, &mut SystemEnv))?;
        let (reply, answer) = oneshot::channel();
        self.shared.post(Mail::Ask(question, within, reply));
        Ok(answer.await.unwrap_or_else(|_| WouldBe::Unknown("the link has ended".into())))
    }

    /// How the replica stands, in one line when printed. When another process on the file is
    /// connected, it says so.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn status(&self) -> rusqlite::Result<Status> {
        self.shared.status()
    }

    /// What is missing, when a server has begun to send everything to this device and it has not come yet.
    /// Lists and searches tell nothing of it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn incomplete(&self) -> rusqlite::Result<Option<Incomplete>> {
        self.shared.read(|replica| replica.incomplete())
    }

    /// How this process's link stands; none before a server was named.
    pub fn link(&self) -> Option<LinkStatus> {
        self.shared.lock().link.clone()
    }

    /// The status now, and whenever it becomes another one.
    pub fn status_stream(&self) -> StatusStream {
        StatusStream::begin(&self.shared)
    }

    /// What happens between this device and the server: grants, evictions, refusals, failures. A
    /// listener that is slow loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<ClientEvent> {
        self.shared.events()
    }
}
