//! Asking the server whether an edit would be refused, before it is made.

use std::time::Duration;

use sync_core::protocol::ServerMessage;
use sync_core::replica::{Asked, Effect, GroupEdit, Question, ReplicaError, SessionFault, WouldBe};

use crate::driver::{APP, Socket, SyncSummary, connect, receive, send};
use crate::{Client, SyncError, TokenSource};

impl Client {
    /// Whether a group of edits would be refused if it were made and sent now: accepted, refused
    /// with the server's reason, or unknown with ours, as it is offline, when the server does not
    /// answer in time, and when it does not let us in. Nothing is made, sent or taken in.
    ///
    /// It connects for itself, so that it may be asked beside a [`Client::watch`] on the same file.
    ///
    /// # Errors
    /// As a commit of the same edits, with or without a network.
    pub async fn would_be(
        &mut self,
        url: &str,
        token: impl TokenSource,
        edits: &[GroupEdit],
        within: Duration,
    ) -> Result<WouldBe, ReplicaError> {
        let question = self.replica.question(edits, &mut self.env)?;
        let mut socket = None;
        let asking = self.ask(url, token, question, &mut socket);
        let outcome = tokio::time::timeout(within, asking).await;
        self.replica.disconnected(None);
        if let Some(mut socket) = socket {
            let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
        }
        match outcome {
            Ok(Ok(would_be)) => Ok(would_be),
            // The file cannot be read or written: that is no matter of the server.
            Ok(Err(SyncError::Store(error) | SyncError::Session(SessionFault::Store(error)))) => {
                Err(error)
            }
            Ok(Err(error)) => Ok(WouldBe::Unknown(error.to_string())),
            Err(_) => {
                let why = "the server did not answer in time; an old one knows no such questions";
                Ok(WouldBe::Unknown(why.to_owned()))
            }
        }
    }

    async fn ask(
        &mut self,
        url: &str,
        mut token: impl TokenSource,
        question: Question,
        socket: &mut Option<Socket>,
    ) -> Result<WouldBe, SyncError> {
        let signed = token.token().await?;
        let socket = socket.insert(connect(url).await?);
        let mut summary = SyncSummary::default();
        let hello = self.replica.connect(&signed, APP)?;
        send(socket, hello, &mut summary).await?;
        let mut question = Some(question);
        loop {
            let frame = receive(socket, true).await?;
            // What is new waits for the next sync: a record should not go away under whoever asks
            // about it. The server stops sending when nothing is acknowledged.
            if matches!(ServerMessage::from_bytes(&frame), Ok(ServerMessage::Feed(_))) {
                continue;
            }
            for effect in self.replica.handle_frame(&frame, &mut self.env)? {
                match effect {
                    Effect::Connected => {
                        let Some(question) = question.take() else { continue };
                        match self.replica.ask(question) {
                            Asked::Send { frame, .. } => send(socket, frame, &mut summary).await?,
                            Asked::Unknown(why) => return Ok(WouldBe::Unknown(why)),
                        }
                    }
                    Effect::Answered { would_be, .. } => return Ok(would_be),
                    Effect::Goodbye(goodbye) => return Err(goodbye.into()),
                    Effect::Send(_)
                    | Effect::Live
                    | Effect::Changed(_)
                    | Effect::Remaining(_)
                    | Effect::Refused(_)
                    | Effect::Evicted(_)
                    | Effect::Granted(_) => {}
                }
            }
        }
    }
}
