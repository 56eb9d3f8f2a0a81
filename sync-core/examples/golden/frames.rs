//! Every message as frames: plain and in each compression, beside what it says.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;
use serde_json::{Value as Json, json};
use sync_core::limits;
use sync_core::protocol::decode_frame;

use super::content::content;
use super::json::hex;
use super::messages::{self, Sample};

/// What replicas say.
pub(crate) fn of_clients() -> Json {
    let samples = messages::of_clients().into_iter();
    samples.map(|Sample { about, message }| described(about, &message.to_bytes())).collect()
}

/// What servers say.
pub(crate) fn of_servers() -> Json {
    let samples = messages::of_servers().into_iter();
    samples.map(|Sample { about, message }| described(about, &message.to_bytes())).collect()
}

fn described(about: &str, frame: &[u8]) -> Json {
    let payload = payload(frame);
    json!({
        "about": about,
        "content": content(&payload),
        "plain": hex([&[0], &payload[..]].concat()),
        "zlib": hex(zlib(&payload)),
        "zstd": hex(zstd_frame(&payload)),
    })
}

/// A frame's payload, whatever it is packed in.
pub(crate) fn payload(frame: &[u8]) -> Vec<u8> {
    decode_frame(frame, limits::INFLATED_FRAME_BYTES, limits::INFLATED_FRAME_BYTES).unwrap().0
}

/// Compressed however short it is, which the engine does not do and everybody must read.
fn zlib(payload: &[u8]) -> Vec<u8> {
    let mut writer = ZlibEncoder::new(vec![1], Level::default());
    writer.write_all(payload).unwrap();
    writer.finish().unwrap()
}

fn zstd_frame(payload: &[u8]) -> Vec<u8> {
    let mut compressor = zstd::bulk::Compressor::new(3).unwrap();
    compressor.include_checksum(true).unwrap();
    [&[2], &compressor.compress(payload).unwrap()[..]].concat()
}
