//! Packing: one byte of how, then the message, inflated under a hard cap.

use std::io::{Read, Write};

use crate::limits;

/// The payload follows as it is.
const PLAIN: u8 = 0;
/// The payload follows as one zlib stream.
const ZLIB: u8 = 1;
/// Shorter payloads are not worth deflating.
const DEFLATE_FROM: usize = 512;

/// A frame's payload: one MessagePack message, within the caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(pub Vec<u8>);

/// Why bytes are no frame. The sender is faulty or hostile: say goodbye and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than the cap; the sender must split its messages.
    #[error("frame of {0} bytes is longer than the {max} allowed", max = limits::FRAME_BYTES)]
    TooLong(usize),
    /// Inflates to more than the cap.
    #[error("frame inflates to more than the {max} bytes allowed", max = limits::INFLATED_FRAME_BYTES)]
    InflatesTooFar,
    /// Not a frame of this protocol.
    #[error("frame is empty or packed in an unknown way")]
    UnknownPacking,
    /// The compressed payload is damaged.
    #[error("frame does not inflate")]
    Damaged,
    /// The payload is not the message that its name says.
    #[error("message is malformed")]
    Malformed,
}

/// Unpacks a frame that arrived.
///
/// # Errors
/// When it is over a cap, damaged or packed in an unknown way.
pub fn decode_frame(bytes: &[u8], cap: usize) -> Result<Frame, FrameError> {
    if bytes.len() > cap {
        return Err(FrameError::TooLong(bytes.len()));
    }
    match bytes.split_first() {
        Some((&PLAIN, payload)) => Ok(Frame(payload.to_vec())),
        Some((&ZLIB, payload)) => {
            let mut inflated = Vec::with_capacity(payload.len().saturating_mul(3).min(1 << 20));
            let mut reader = flate2::read::ZlibDecoder::new(payload)
                .take(limits::INFLATED_FRAME_BYTES as u64 + 1);
            reader.read_to_end(&mut inflated).map_err(|_| FrameError::Damaged)?;
            if inflated.len() > limits::INFLATED_FRAME_BYTES {
                return Err(FrameError::InflatesTooFar);
            }
            Ok(Frame(inflated))
        }
        _ => Err(FrameError::UnknownPacking),
    }
}

/// Packs a message for sending.
pub fn encode_frame(frame: &Frame) -> Vec<u8> {
    let payload = &frame.0;
    if payload.len() < DEFLATE_FROM {
        let mut out = Vec::with_capacity(payload.len() + 1);
        out.push(PLAIN);
        out.extend_from_slice(payload);
        return out;
    }
    let mut out = Vec::with_capacity(payload.len() / 2 + 16);
    out.push(ZLIB);
    let mut writer = flate2::write::ZlibEncoder::new(out, flate2::Compression::fast());
    writer.write_all(payload).expect("BUG: writing to memory cannot fail");
    writer.finish().expect("BUG: writing to memory cannot fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_whether_or_not_it_was_worth_deflating() {
        for length in [0, 10, DEFLATE_FROM, 100_000] {
            let frame = Frame(vec![b'x'; length]);
            let bytes = encode_frame(&frame);
            assert_eq!(decode_frame(&bytes, limits::FRAME_BYTES), Ok(frame));
        }
    }

    #[test]
    fn a_frame_that_inflates_beyond_the_cap_is_refused() {
        let bomb = encode_frame(&Frame(vec![0; limits::INFLATED_FRAME_BYTES + 1]));
        assert!(bomb.len() < limits::FRAME_BYTES);
        assert_eq!(decode_frame(&bomb, limits::FRAME_BYTES), Err(FrameError::InflatesTooFar));
    }

    #[test]
    fn bytes_that_are_no_frame_are_refused() {
        assert_eq!(decode_frame(&[], 10), Err(FrameError::UnknownPacking));
        assert_eq!(decode_frame(&[9, 1], 10), Err(FrameError::UnknownPacking));
        assert_eq!(decode_frame(&[1, 1, 2, 3], 10), Err(FrameError::Damaged));
        assert_eq!(decode_frame(&[0; 11], 10), Err(FrameError::TooLong(11)));
    }
}
