//! What the handles ask of the background task.

use std::time::Duration;

use sync_core::replica::{LinkFault, Question, WouldBe};
use tokio::sync::oneshot;

use crate::{Server, SyncSummary};

/// What a handle asks of the task.
#[derive(Debug)]
pub(crate) enum Mail {
    /// Speak to this server from now on.
    Use(Box<Server>),
    /// Stay connected.
    Connect,
    /// Send and receive everything once.
    Sync(oneshot::Sender<Result<SyncSummary, LinkFault>>),
    /// Close the connection.
    Disconnect(oneshot::Sender<()>),
    /// Ask the server.
    Ask(Question, Duration, oneshot::Sender<WouldBe>),
    /// The replica was written to.
    Edited,
    /// The tables are to be filled anew.
    Rebuild,
    /// Somebody wants to hear of other processes' writes.
    Watched,
}
