//! Packing: one byte of how, then the message, inflated under a hard cap.
//!
//! A frame says itself how it is packed, so that it can be read without knowing who sent it. Which
//! packing may be *sent* is agreed in hello; see [`Compression::agreed`].

use std::io::{Read, Write};

use zstd::zstd_safe;

use crate::limits;

/// The payload follows as it is.
const PLAIN: u8 = 0;
/// The payload follows as one zlib stream.
const ZLIB: u8 = 1;
/// The payload follows as one zstd frame that states its size.
const ZSTD: u8 = 2;
/// Shorter payloads are not worth compressing.
const COMPRESS_FROM: usize = 512;
/// Level 9 saves another 5 % of a first sync and takes five times as long.
#[cfg(feature = "hub")]
const ZSTD_LEVEL: i32 = 3;
/// First bytes of a zstd frame; others start frames that are to be skipped.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A frame's payload: one MessagePack message, within the caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(pub Vec<u8>);

/// How a long payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Compression {
    /// What everybody reads.
    #[default]
    Zlib,
    /// Smaller and faster; only for those who say in hello that they read it.
    Zstd,
}

impl Compression {
    /// What this version reads besides zlib, as hello names it.
    pub const READABLE: [&'static str; 1] = ["zstd"];

    /// The best that a reader takes who names these; names that nobody here knows are passed over.
    pub fn agreed<S: AsRef<str>>(readable: &[S]) -> Self {
        if readable.iter().any(|name| name.as_ref() == "zstd") { Self::Zstd } else { Self::Zlib }
    }
}

/// Why bytes are no frame. The sender is faulty or hostile: say goodbye and close.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than the cap; the sender must split its messages.
    #[error("frame of {0} bytes is longer than the {max} allowed", max = limits::FRAME_BYTES)]
    TooLong(usize),
    /// Inflates to more than the cap.
    #[error("frame inflates to more than the {0} bytes allowed")]
    InflatesTooFar(usize),
    /// Not a frame of this protocol.
    #[error("frame is empty or packed in an unknown way")]
    UnknownPacking,
    /// The compressed payload is damaged.
    #[error("frame does not inflate")]
    Damaged,
    /// A zstd frame does not state its size; the sender must compress in one go, or set the size.
    #[error("compressed frame does not state its inflated size")]
    SizeUnstated,
    /// Bytes follow the compressed payload; the sender must send each message in a frame of its own.
    #[error("{0} bytes follow the compressed payload of the frame")]
    TrailingBytes(usize),
    /// The payload is not the message that its name says.
    #[error("message is malformed")]
    Malformed,
    /// A field of the message is not what it should be.
    #[error("{message}: {fault}")]
    Field {
        /// The message's name.
        message: &'static str,
        /// The field, and what is wrong about it.
        fault: String,
    },
}

/// Unpacks a frame that arrived.
///
/// # Errors
/// When it is over a cap, damaged or packed in an unknown way, or when anything follows the one
/// compressed stream.
pub fn decode_frame(bytes: &[u8], cap: usize, inflated_cap: usize) -> Result<Frame, FrameError> {
    if bytes.len() > cap {
        return Err(FrameError::TooLong(bytes.len()));
    }
    match bytes.split_first() {
        Some((&PLAIN, payload)) => Ok(Frame(payload.to_vec())),
        Some((&ZLIB, payload)) => inflate_zlib(payload, inflated_cap),
        Some((&ZSTD, payload)) => inflate_zstd(payload, inflated_cap),
        _ => Err(FrameError::UnknownPacking),
    }
}

/// How long a frame's payload is once inflated, found without keeping it: for whoever must see to room
/// for it first. None for what [`decode_frame`] would refuse.
pub fn inflated_length(bytes: &[u8]) -> Option<usize> {
    match bytes.split_first()? {
        (&PLAIN, payload) => Some(payload.len()),
        (&ZLIB, payload) => {
            let cap = limits::INFLATED_FRAME_BYTES as u64 + 1;
            let mut reader = flate2::bufread::ZlibDecoder::new(payload).take(cap);
            let length = std::io::copy(&mut reader, &mut std::io::sink()).ok()?;
            usize::try_from(length).ok()
        }
        (&ZSTD, payload) => {
            let stated = zstd_safe::get_frame_content_size(payload).ok()??;
            usize::try_from(stated).ok()
        }
        _ => None,
    }
    .filter(|length| *length <= limits::INFLATED_FRAME_BYTES)
}

fn inflate_zlib(payload: &[u8], cap: usize) -> Result<Frame, FrameError> {
    let mut inflated = Vec::with_capacity(payload.len().saturating_mul(3).min(cap).min(1 << 20));
    let mut reader = flate2::bufread::ZlibDecoder::new(payload).take(cap as u64 + 1);
    reader.read_to_end(&mut inflated).map_err(|_| FrameError::Damaged)?;
    if inflated.len() > cap {
        return Err(FrameError::InflatesTooFar(cap));
    }
    match reader.into_inner().into_inner() {
        [] => Ok(Frame(inflated)),
        rest => Err(FrameError::TrailingBytes(rest.len())),
    }
}

/// The stated size is what is allocated, so that it is checked before anything is read.
fn inflate_zstd(payload: &[u8], cap: usize) -> Result<Frame, FrameError> {
    if !payload.starts_with(&ZSTD_MAGIC) {
        return Err(FrameError::Damaged);
    }
    let stated = zstd_safe::get_frame_content_size(payload)
        .map_err(|_| FrameError::Damaged)?
        .ok_or(FrameError::SizeUnstated)?;
    let size = usize::try_from(stated).unwrap_or(usize::MAX);
    if size > cap {
        return Err(FrameError::InflatesTooFar(cap));
    }
    let length = zstd_safe::find_frame_compressed_size(payload).map_err(|_| FrameError::Damaged)?;
    let (stream, rest) = payload.split_at_checked(length).ok_or(FrameError::Damaged)?;
    if !rest.is_empty() {
        return Err(FrameError::TrailingBytes(rest.len()));
    }
    let inflated = zstd::bulk::decompress(stream, size).map_err(|_| FrameError::Damaged)?;
    if inflated.len() == size { Ok(Frame(inflated)) } else { Err(FrameError::Damaged) }
}

/// Packs a message for sending; a short one goes as it is.
pub fn encode_frame(frame: &Frame, compression: Compression) -> Vec<u8> {
    let payload = &frame.0;
    if payload.len() < COMPRESS_FROM {
        let mut out = Vec::with_capacity(payload.len() + 1);
        out.push(PLAIN);
        out.extend_from_slice(payload);
        return out;
    }
    match compression {
        Compression::Zlib => deflate_zlib(payload),
        // A device only reads it, and carries nothing to write it.
        #[cfg(not(feature = "hub"))]
        Compression::Zstd => deflate_zlib(payload),
        #[cfg(feature = "hub")]
        Compression::Zstd => deflate_zstd(payload),
    }
}

fn deflate_zlib(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() / 2 + 16);
    out.push(ZLIB);
    let mut writer = flate2::write::ZlibEncoder::new(out, flate2::Compression::fast());
    writer.write_all(payload).expect("BUG: writing to memory cannot fail");
    writer.finish().expect("BUG: writing to memory cannot fail")
}

#[cfg(feature = "hub")]
fn deflate_zstd(payload: &[u8]) -> Vec<u8> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).expect("BUG: the level exists");
    // Four bytes a frame; a lean document has no checksum of its own.
    compressor.include_checksum(true).expect("BUG: zstd knows checksums");
    let bound = zstd_safe::compress_bound(payload.len());
    let mut out = vec![0; bound + 1];
    out[0] = ZSTD;
    let length = compressor
        .compress_to_buffer(payload, &mut out[1..])
        .expect("BUG: the buffer is as long as the longest result");
    out.truncate(length + 1);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Compression; 2] = [Compression::Zlib, Compression::Zstd];

    fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
        decode_frame(bytes, limits::FRAME_BYTES, limits::INFLATED_FRAME_BYTES)
    }

    /// As a sender of another make might do it, without a size.
    fn streamed(payload: &[u8]) -> Vec<u8> {
        let mut writer = zstd::stream::write::Encoder::new(vec![ZSTD], 3)
            .expect("BUG: writing to memory cannot fail");
        writer.write_all(payload).expect("BUG: writing to memory cannot fail");
        writer.finish().expect("BUG: writing to memory cannot fail")
    }

    #[test]
    fn a_frame_reads_back_whether_or_not_it_was_worth_compressing() {
        for compression in BOTH {
            for length in [0, 10, COMPRESS_FROM - 1, COMPRESS_FROM, 100_000] {
                let frame = Frame(vec![b'x'; length]);
                let bytes = encode_frame(&frame, compression);
                let worth = length >= COMPRESS_FROM;
                assert!(if worth { bytes.len() < length } else { bytes.len() == length + 1 });
                assert_eq!(decode(&bytes), Ok(frame));
            }
        }
    }

    #[test]
    fn a_frame_is_as_long_as_what_it_inflates_to() {
        for compression in BOTH {
            for length in [0, 10, 5000, limits::INFLATED_FRAME_BYTES] {
                let bytes = encode_frame(&Frame(vec![b'x'; length]), compression);
                assert_eq!(inflated_length(&bytes), Some(length));
            }
            let bomb = encode_frame(&Frame(vec![0; limits::INFLATED_FRAME_BYTES + 1]), compression);
            assert_eq!(inflated_length(&bomb), None);
        }
        assert_eq!(inflated_length(&[]), None);
        assert_eq!(inflated_length(&[ZLIB, 1, 2, 3]), None);
    }

    #[test]
    fn bytes_that_do_not_compress_read_back() {
        let noise: Vec<u8> =
            (0_u32..5000).map(|n| (n.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        for compression in BOTH {
            assert_eq!(
                decode(&encode_frame(&Frame(noise.clone()), compression)),
                Ok(Frame(noise.clone()))
            );
        }
    }

    #[test]
    fn a_frame_that_inflates_beyond_the_cap_is_refused() {
        for compression in BOTH {
            let bomb = encode_frame(&Frame(vec![0; limits::INFLATED_FRAME_BYTES + 1]), compression);
            assert!(bomb.len() < limits::FRAME_BYTES);
            assert_eq!(
                decode(&bomb),
                Err(FrameError::InflatesTooFar(limits::INFLATED_FRAME_BYTES))
            );
            let largest = Frame(vec![0; limits::INFLATED_FRAME_BYTES]);
            assert_eq!(decode(&encode_frame(&largest, compression)), Ok(largest));
        }
    }

    #[test]
    fn bytes_that_are_no_frame_are_refused() {
        assert_eq!(decode(&[]), Err(FrameError::UnknownPacking));
        assert_eq!(decode(&[9, 1]), Err(FrameError::UnknownPacking));
        assert_eq!(decode(&[ZLIB, 1, 2, 3]), Err(FrameError::Damaged));
        assert_eq!(decode(&[ZSTD, 1, 2, 3]), Err(FrameError::Damaged));
        assert_eq!(decode_frame(&[0; 11], 10, 10), Err(FrameError::TooLong(11)));
    }

    /// Two payloads in one frame, or one with a tail, would be counted once and read by some alone.
    #[test]
    fn bytes_behind_the_stream_are_refused_by_name() {
        for compression in BOTH {
            let whole = encode_frame(&Frame(vec![b'x'; 5000]), compression);
            for tail in [&[0][..], b"tail", &whole[1..]] {
                let bytes = [&whole[..], tail].concat();
                assert_eq!(decode(&bytes), Err(FrameError::TrailingBytes(tail.len())));
            }
        }
    }

    #[test]
    fn a_frame_cut_short_is_damaged_wherever_it_is_cut() {
        let text: Vec<u8> = (0..3000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        for compression in BOTH {
            let whole = encode_frame(&Frame(text.clone()), compression);
            for end in 1..whole.len() {
                assert_eq!(decode(&whole[..end]), Err(FrameError::Damaged), "cut at {end}");
            }
        }
    }

    /// Zlib's checksum promises less: its sums can come out the same when digits change places.
    #[test]
    fn a_flipped_bit_in_a_zstd_frame_never_changes_what_is_read() {
        let text: Vec<u8> = (0..1000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let whole = encode_frame(&Frame(text.clone()), Compression::Zstd);
        for at in 1..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                // A bit or two mean nothing; the payload is then the same.
                let read = decode(&bytes);
                assert!(read.is_err() || read == Ok(Frame(text.clone())), "bit {bit} of {at}");
            }
        }
    }

    #[test]
    fn a_zstd_frame_must_state_its_size_and_tell_the_truth() {
        assert_eq!(decode(&streamed(&[b'x'; 5000])), Err(FrameError::SizeUnstated));
        let mut skipped = vec![ZSTD];
        skipped.extend([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(decode(&skipped), Err(FrameError::Damaged));
        // One segment, four bytes of size, one last raw block of a single byte.
        for (size, outcome) in [
            (1_u32, Ok(Frame(vec![b'x']))),
            (2, Err(FrameError::Damaged)),
            (0, Err(FrameError::Damaged)),
        ] {
            let mut bytes = vec![ZSTD];
            bytes.extend(ZSTD_MAGIC);
            bytes.push(0b1010_0000);
            bytes.extend(size.to_le_bytes());
            bytes.extend([0b0000_1001, 0, 0, b'x']);
            assert_eq!(decode(&bytes), outcome, "{size} bytes stated");
        }
    }

    #[test]
    fn zstd_is_sent_only_to_who_names_it() {
        assert_eq!(Compression::agreed(&Compression::READABLE), Compression::Zstd);
        assert_eq!(Compression::agreed(&["brotli", "zstd"]), Compression::Zstd);
        assert_eq!(Compression::agreed(&["brotli"]), Compression::Zlib);
        assert_eq!(Compression::agreed::<&str>(&[]), Compression::Zlib);
    }
}
