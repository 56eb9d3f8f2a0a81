//! A socket that counts what it moves, is read no further than a stranger may speak, and waits no longer
//! for one that does not listen.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::doors::Visit;
use crate::traffic::TooEarly;

/// How long the other side may take nothing of an answer before somebody has signed in. A system says that
/// there is room again when a third of its buffer has gone, some 10 KB on a thin line.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// A connection whose bytes are counted.
#[derive(Debug)]
pub struct Counted {
    stream: TcpStream,
    /// Set while the other side takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
    /// Dropped after the stream: the place is free when the file is closed.
    visit: Arc<Visit>,
}

impl Counted {
    /// Counts what a connection moves.
    pub fn new(stream: TcpStream, visit: Arc<Visit>) -> Self {
        Self { stream, stuck: None, visit }
    }

    /// Counts what went. Whoever has signed in is watched by their session instead.
    fn went(
        &mut self,
        polled: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(sent) => {
                self.stuck = None;
                self.visit.traffic().went(*sent.as_ref().unwrap_or(&0));
                Poll::Ready(sent)
            }
            Poll::Pending if self.visit.traffic().is_opened() => Poll::Pending,
            Poll::Pending => {
                let begin = || Box::pin(tokio::time::sleep(STUCK_AFTER));
                let stuck = self.stuck.get_or_insert_with(begin).as_mut();
                stuck.poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.visit.traffic().is_too_much() {
            return Poll::Ready(Err(io::Error::other(TooEarly)));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        self.visit.came(read);
        polled
    }
}
impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.went(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.went(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
