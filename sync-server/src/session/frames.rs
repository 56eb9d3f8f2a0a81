//! Frames of a WebSocket counted as they come: pings and fragments are work too, and what reads the
//! messages shows nobody how many there were.
//!
//! Only headers are looked at. A frame that carries much is counted by what it carries, when its message
//! is complete; one that carries little counts here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use sync_core::limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A frame that carries as much does not count by itself.
const MUCH: u64 = 1024;
/// What may come at once.
const AT_ONCE: u32 = 10 * limits::FRAMES_PER_SECOND;

/// Too many frames came.
#[derive(Debug, thiserror::Error)]
#[error("more frames than a session may send")]
pub(super) struct TooMany;

/// A connection that ends when more frames come than a session may send.
#[derive(Debug)]
pub(super) struct Frames<S> {
    stream: S,
    headers: Headers,
    budget: Budget,
    /// Too many came; what comes from here on is read to be dropped.
    over: bool,
}

impl<S> Frames<S> {
    pub(super) fn of(stream: S) -> Self {
        let budget = Budget { left: f64::from(AT_ONCE), refilled: Instant::now() };
        Self { stream, headers: Headers::default(), budget, over: false }
    }
}

/// What may still come.
#[derive(Debug)]
struct Budget {
    left: f64,
    refilled: Instant,
}

impl Budget {
    fn spend(&mut self, now: Instant, frames: u32) -> bool {
        let since = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.refilled = now;
        let left = self.left + since * f64::from(limits::FRAMES_PER_SECOND);
        self.left = left.min(f64::from(AT_ONCE)) - f64::from(frames);
        self.left >= 0.0
    }
}

/// Where in the sequence of frames the last byte stood.
#[derive(Debug, Default)]
struct Headers {
    /// The header that has not come as a whole yet.
    begun: Vec<u8>,
    /// Bytes of the frame that are still to come.
    carried: u64,
}

impl Headers {
    /// Reads on; how many frames began that count.
    fn read(&mut self, mut bytes: &[u8]) -> u32 {
        let mut frames = 0;
        while !bytes.is_empty() {
            if self.carried > 0 {
                let skipped = self.carried.min(bytes.len() as u64);
                self.carried -= skipped;
                bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
                continue;
            }
            self.begun.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some(carried) = carried(&self.begun) {
                frames += u32::from(carried < MUCH);
                self.carried = carried;
                self.begun.clear();
            }
        }
        frames
    }
}

/// How much a frame carries, once its header is complete: two bytes, the rest of its length, the mask.
fn carried(header: &[u8]) -> Option<u64> {
    let second = *header.get(1)?;
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    if header.len() < 2 + length + mask {
        return None;
    }
    let long = header[2..2 + length].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Some(if length == 0 { u64::from(second & 0x7f) } else { long })
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.over {
            return polled;
        }
        let came = buffer.filled().get(before..).unwrap_or_default();
        let frames = self.headers.read(came);
        if frames > 0 && !self.budget.spend(Instant::now(), frames) {
            self.over = true;
            return Poll::Ready(Err(io::Error::other(TooMany)));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frame(first: u8, carried: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match carried {
            0..126 => frame.push(0x80 | carried as u8),
            126..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend((carried as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((carried as u64).to_be_bytes());
            }
        }
        frame.extend([7; 4]);
        frame.extend(vec![0x89; carried]);
        frame
    }

    /// However the bytes are cut, what a frame carries is never taken for a header.
    #[test]
    fn pings_and_fragments_count_and_what_carries_much_does_not() {
        let frames = [(0x89, 0), (0x82, 5), (0x02, 0), (0x00, 125), (0x00, 1023), (0x8a, 3)];
        let much = [(0x00, 1024), (0x82, 70_000), (0x82, 0x1_0000)];
        let bytes: Vec<u8> = frames
            .iter()
            .chain(&much)
            .flat_map(|(first, carried)| frame(*first, *carried))
            .collect();
        for piece in [1, 2, 3, 7, 1000, bytes.len()] {
            let mut headers = Headers::default();
            let counted: u32 = bytes.chunks(piece).map(|piece| headers.read(piece)).sum();
            assert_eq!(counted, 6, "in pieces of {piece}");
            assert_eq!((headers.carried, headers.begun.len()), (0, 0));
        }
    }

    #[test]
    fn what_may_come_comes_back_with_time() {
        let began = Instant::now();
        let mut budget = Budget { left: f64::from(AT_ONCE), refilled: began };
        assert!(budget.spend(began, AT_ONCE));
        assert!(!budget.spend(began, 1));
        let later = began + Duration::from_secs(1);
        assert!(budget.spend(later, limits::FRAMES_PER_SECOND - 1));
        assert!(!budget.spend(later, 1));
    }
}
