//! What a frame's payload says, read without the engine's own types: MessagePack as JSON.

use rmp::Marker;
use rmp::decode;
use serde_json::{Map, Value as Json, json};

use super::json::hex;

/// A message as JSON: its name, and its body with bytes as `{"hex": "…"}`.
pub(crate) fn content(payload: &[u8]) -> Json {
    let mut rest = payload;
    let Json::Array(parts) = value(&mut rest) else { panic!("BUG: a message is an array") };
    assert!(rest.is_empty(), "BUG: bytes follow the message");
    let [name, body] = &parts[..] else { panic!("BUG: a message is an array of two") };
    json!({ "message": name, "body": body })
}

fn value(rest: &mut &[u8]) -> Json {
    match Marker::from_u8(rest[0]) {
        Marker::Null => {
            decode::read_nil(rest).unwrap();
            Json::Null
        }
        Marker::True | Marker::False => json!(decode::read_bool(rest).unwrap()),
        Marker::F32 => json!(decode::read_f32(rest).unwrap()),
        Marker::F64 => json!(decode::read_f64(rest).unwrap()),
        Marker::U64 => json!(decode::read_u64(rest).unwrap()),
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => json!(text(rest)),
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
            let length = decode::read_bin_len(rest).unwrap();
            json!({ "hex": hex(take(rest, length)) })
        }
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
            let length = decode::read_array_len(rest).unwrap();
            (0..length).map(|_| value(rest)).collect()
        }
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
            let length = decode::read_map_len(rest).unwrap();
            let entries: Map<String, Json> =
                (0..length).map(|_| (text(rest), value(rest))).collect();
            Json::Object(entries)
        }
        _ => json!(decode::read_int::<i64, _>(rest).unwrap()),
    }
}

fn text(rest: &mut &[u8]) -> String {
    let length = decode::read_str_len(rest).unwrap();
    String::from_utf8(take(rest, length).to_vec()).unwrap()
}

fn take<'a>(rest: &mut &'a [u8], length: u32) -> &'a [u8] {
    let (taken, after) = rest.split_at(length as usize);
    *rest = after;
    taken
}
