//! A limit on everything, in one place, with its arithmetic.
//!
//! A replica learns the ones that concern it from `Welcome`; nobody else has a copy.

use crate::time::UnixMs;

/// Longest frame accepted, in bytes as received. 1 MiB carries some 4,000 one-field changes.
pub const FRAME_BYTES: usize = 1 << 20;
/// Longest frame after inflation. Eight times the frame: text deflates five- to sevenfold.
pub const INFLATED_FRAME_BYTES: usize = 8 << 20;
/// Changes in one push. 512 fill one Postgres batch, whose cost per row is flat from there on.
pub const CHANGES_PER_PUSH: usize = 512;
/// Records that one atomic group may touch. A bulk edit is many groups, not one.
pub const CHANGES_PER_GROUP: usize = 64;
/// Changes in one push as received. The last group of a push may exceed [`CHANGES_PER_PUSH`] by what
/// a group may hold; nobody reads further.
pub const CHANGES_RECEIVED: usize = CHANGES_PER_PUSH + CHANGES_PER_GROUP;
/// One change chunk: a few values of the longest kind.
pub const CHANGE_BYTES: usize = 256 << 10;
/// Operations in one change; judging that many takes a few milliseconds. A character is one
/// operation, so that a long paste is written as several changes of one group.
pub const OPS_PER_CHANGE: usize = 4096;
/// Operations in one group: three rewrites of the longest note, each of 20,000 characters taken away and
/// as many put in.
pub const OPS_PER_GROUP: usize = 128 << 10;
/// Operations in one push or question, as [`crate::guard::operations`] counts them. Run-length coded, a
/// frame of 25 KB can stand for two million; these are judged in a few seconds. A device sends no more at
/// once, and one group always.
pub const OPS_PER_PUSH: usize = OPS_PER_GROUP;
/// Operations judged in one commit, during which the pushes of everybody else wait: one push of the
/// heaviest kind, or some hundred usual ones.
pub const OPS_PER_COMMIT: usize = OPS_PER_PUSH;
/// Predecessors over all operations of a change: taking a character away names it.
pub const PREDS_PER_CHANGE: usize = 4096;
/// Characters that one of these several changes puts in or takes away.
pub const TEXT_STEP: usize = 2048;
/// Dependencies of one change: one head per concurrent writer, and a record has a handful.
pub const DEPS_PER_CHANGE: usize = 64;
/// Heads that a change may leave a document with: fewer than a change may build on, so that whoever
/// edits it next can always build on all there is.
pub const HEADS_LEFT: usize = 32;
/// Actors named by one change: its own and those whose values it overwrites.
pub const ACTORS_PER_CHANGE: usize = 256;
/// Highest operation counter. Automerge holds it in 32 bits and fails at the end; we stop at half.
pub const OP_COUNTER: u64 = 1 << 31;
/// One document as saved. 460 B is usual, so this is a record edited thousands of times.
pub const DOCUMENT_BYTES: usize = 4 << 20;
/// What an operation of a document counts as at least. A character of a note takes two bytes or so; equal
/// operations take next to none, and whoever opens a document of a million waits for a second.
pub const BYTES_PER_OPERATION: u64 = 3;
/// What of these one author may write, so that nobody alone can keep the others out.
pub const DOCUMENT_BYTES_PER_AUTHOR: usize = DOCUMENT_BYTES / 2;
/// What may be written beyond [`DOCUMENT_BYTES`] to complete a record, delete it or give it away: some
/// thousand times.
pub const PUTTING_AWAY_RESERVE: usize = 128 << 10;
/// Bytes of a change that may do that; a usual one has 300.
pub const PUTTING_AWAY_BYTES: usize = 1 << 10;
/// What the server's own pen may write beyond [`DOCUMENT_BYTES`]: a record that somebody filled can still
/// be assigned, merged and moved. Each takes some 200 bytes.
pub const DOCUMENT_RESERVE: usize = 2 * PUTTING_AWAY_RESERVE;
/// Saved bytes of the documents that one commit opens beside a single group's: a hundred thousand usual
/// ones, or sixteen of the longest. Open they take up to five times as much.
pub const DOCUMENT_BYTES_PER_COMMIT: u64 = 64 << 20;
/// Heads of a document that travels without them: one a concurrent writer, as in one change's
/// dependencies. A document with more travels whole.
pub const HEADS_PER_DOCUMENT: usize = 64;
/// Rows that a byte of a document's columns may stand for, beyond those of one change. An operation
/// writes a value, a key or its change's time, each a byte at least; four leaves room.
pub const ROWS_PER_DOCUMENT_BYTE: u64 = 4;
/// Keys in one `Set`, `Log` or custom-field map of a document.
pub const KEYS_PER_CONTAINER: usize = 2048;
/// Events of one author in a log: nobody alone can fill it, so that others can still correct it.
pub const EVENTS_PER_AUTHOR: usize = 512;
/// Keys at the root that this version does not know, kept for a newer app.
pub const UNKNOWN_KEYS: usize = 64;
/// One scalar value under an unknown key, or one entry of a container.
pub const SCALAR_BYTES: usize = 8 << 10;
/// A word of a newer app in a choice, in Unicode scalar values.
pub const WORD_CHARS: usize = 255;
/// Parts of one `Whole`, those of a newer app with them.
pub const PARTS_PER_VALUE: usize = 32;
/// Length of a key in a container, in bytes.
pub const KEY_BYTES: usize = 320;
/// Text fields, in Unicode scalar values: twice the longest dictated visit note.
pub const LONG_TEXT_CHARS: usize = 20_000;
/// Feed batches the server may send ahead of the replica's acknowledgements.
pub const FEED_WINDOW: u32 = 4;
/// Records in one feed batch; usual ones make about 1 MB with their rows, before compression.
pub const RECORDS_PER_FEED_BATCH: usize = 1024;
/// Bytes of documents after which a feed batch is closed early. One always goes, whatever its size.
pub const FEED_BATCH_BYTES: usize = 1 << 20;
/// Bytes that are under way on a new connection in one direction, whatever there is to send: 14 seconds
/// at 300 bytes a second. More go as the line bears it.
pub const BYTES_AT_FIRST: usize = 4 << 10;
/// Bytes of pushes under way at most.
pub const PUSHED_BYTES: usize = PUSH_WINDOW * FRAME_BYTES / 2;
/// Bytes of feed batches under way at most.
pub const FED_BYTES: usize = FEED_WINDOW as usize * FEED_BATCH_BYTES;
/// Records named in one `Fetch`: 16 KiB of ids, and about what one feed batch holds.
pub const RECORDS_PER_FETCH: usize = 1024;
/// Records that a replica may have asked for by name before its feed is live again. They are listed
/// and kept until they are sent: 4,096 make 160 KiB a session, and 160 MiB for a thousand of them.
pub const RECORDS_ASKED_FOR: usize = 4 * RECORDS_PER_FETCH;
/// Pushes a replica may have in flight without a verdict.
pub const PUSH_WINDOW: usize = 4;
/// Name and version of an app, in a `Hello`, in bytes.
pub const APP_BYTES: usize = 256;
/// A feed cursor, in bytes: ours take 32. A longer one is none of ours, and not taken.
pub const CURSOR_BYTES: usize = 64;
/// Words in a `Hello` for what a replica reads; there are two today.
pub const READS_PER_HELLO: usize = 64;
/// A token, in bytes. One with a handful of claims and an RSA signature takes 1 KB, and what follows
/// a hello is decoded and checked before anybody is known.
pub const TOKEN_BYTES: usize = 16 << 10;
/// Sockets one user may hold open at once: a phone, a tablet, a laptop and their stale twins.
pub const SOCKETS_PER_USER: usize = 16;
/// Sessions of one device: an app, a command beside it on the same file, and one whose line is dead
/// without anybody knowing. A further one takes the place of the oldest.
pub const SESSIONS_PER_DEVICE: usize = 3;
/// Frames a session may send in a second, averaged over ten; a busy upload sends about thirty.
pub const FRAMES_PER_SECOND: u32 = 200;
/// Bytes of a frame, once inflated, that count as a frame: a little that inflates to much is no less work
/// than as much that came as it is.
pub const BYTES_COUNTED_AS_FRAME: usize = 16 << 10;
/// Bytes of pushes and questions, as inflated, that may wait to be judged on one server: further ones stay
/// in their sockets until there is room. A busy second brings a few MB.
pub const WAITING_BYTES: usize = 32 << 20;
/// Those of one user: one frame of the longest kind, and some usual ones beside it.
pub const WAITING_BYTES_PER_USER: usize = 12 << 20;
/// How many times its own bytes a short push takes while it waits: each of its changes has a name, a
/// writer and a place beside its hundred bytes.
pub const WAITING_EXPANSION: usize = 8;
/// Bytes of a push that may be so many short changes; what goes beyond is long values, which take what
/// they are.
pub const SHORT_PUSH_BYTES: usize = 128 << 10;
/// Messages of a kind unknown here that a session may send. A newer app is told what the server speaks,
/// so that it says few of them.
pub const UNKNOWN_MESSAGES: u32 = 64;
/// Bytes of changes after which a batch of pushes is closed, as received.
pub const CHANGE_BYTES_PER_COMMIT: usize = 8 << 20;
/// Work of one commit, in operations and changes of documents that are gone through, beyond which it is
/// done in parts with others' in between: some two seconds.
pub const WORK_PER_COMMIT: u64 = 4 << 20;
/// Work of one group. An edit of the fullest record takes nearly as much, and the database waits no longer
/// for a transaction to go on; a group beyond is refused.
pub const WORK_PER_GROUP: u64 = 4 * WORK_PER_COMMIT;
/// What of that may go into reading in words what refused edits did: a second when documents have to be put
/// together anew. Of the rest is told what their operations say.
pub const WORK_ON_WORDS_PER_COMMIT: u64 = 1 << 20;
/// Records that one user may have begun: ten visits a working day make 50,000 in twenty years, and an
/// import brings some ten thousand at once.
pub const DOCUMENTS_PER_USER: u64 = 500_000;
/// Bytes of changes that one user may have stored, refused ones that are kept among them. A change takes some 200 bytes, so that these are
/// ten million edits: two thousand on every working day of twenty years.
pub const BYTES_PER_USER: u64 = 2 << 30;
/// Bytes of JSON in which it is kept, for people, what one refused edit did. A usual one has a hundred; the
/// change itself stands beside it.
pub const REFUSED_WORDS_BYTES: usize = 8 << 10;
/// Devices remembered of one user; of more, the one that was heard longest ago is forgotten. Each new
/// database file is one: two new phones a year and a dozen reinstallations make 250 in twenty years.
pub const DEVICES_PER_USER: usize = 256;
/// The greatest amount of money, in minor units: a hundred billion dollars. Nine hundred thousand of
/// them add up to what 64 bits hold, and reports add them up without that bound.
pub const MONEY_MINOR: i64 = 10_000_000_000_000;
/// The first moment of the year 1 in UTC: neither database reads a year before it.
pub const FIRST_MOMENT_MS: i64 = -62_135_596_800_000;
/// The last moment that is of the year 9999 in every time zone, and the last that has a text: it is
/// 9999-12-30T22:00:00Z.
pub const LAST_MOMENT_MS: i64 = 253_402_207_200_000;
/// No device existed before 2015: a clock that says so was never set.
pub const EARLIEST: UnixMs = UnixMs(1_420_070_400_000);
/// By how much two clocks may differ without anybody minding: edits are dated by the device's.
pub const CLOCK_TOLERANCE_MS: u64 = 2 * 60 * 1000;
/// How far into the future a claimed time may lie before it is refused.
pub const FUTURE_CLAIM_MS: i64 = 10 * 60 * 1000;
/// Bytes that come down a socket before somebody has signed in on it. The longest hello has a token
/// (16 KB), a cursor and a few words, and its request takes a few KB more; three times as much.
pub const EARLY_BYTES: usize = 64 << 10;
/// The header of an HTTP request; a browser's, with cookies, has 2 KB.
pub const REQUEST_HEADER_BYTES: usize = 16 << 10;
/// Sockets on which nobody has signed in yet, where files allow as many: strangers take the places of others
/// all the more slowly. Silent ones take some 24 KB of buffers each, 100 MB; with `EARLY_BYTES` on top that
/// somebody sent down every one, 360 MB.
pub const UNOPENED_SOCKETS: usize = 4096;
/// Those of one neighbourhood: half of all, since behind a proxy everybody has the same one.
pub const UNOPENED_SOCKETS_PER_ADDRESS: usize = UNOPENED_SOCKETS / 2;
/// Sockets on which somebody has signed in; with some 50 KB each, 500 MB.
pub const OPENED_SOCKETS: usize = 10_000;
/// Bytes of the app that a server hands to browsers, in all: it holds them in memory. Built, with each file
/// packed in two ways, it has some 8 MB.
pub const WEB_APP_BYTES: usize = 64 << 20;
/// Files and directories of that app; built, it has some hundred.
pub const WEB_APP_FILES: usize = 4096;
/// Open files kept for all but sockets of replicas: logs, timers, listeners, keys and whoever asks for
/// metrics. Connections to the database come on top.
pub const FILES_IN_RESERVE: usize = 64;
