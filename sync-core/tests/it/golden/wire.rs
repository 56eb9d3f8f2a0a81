//! The content of a message, packed without the engine's own types: as a stranger would do it, with
//! the keys in another order than the engine's.

use data_encoding::HEXLOWER;
use rmp::encode;
use serde_json::Value as Json;

/// The plain frame of a message.
pub(super) fn frame(content: &Json) -> Vec<u8> {
    let mut out = vec![0];
    encode::write_array_len(&mut out, 2).unwrap();
    write(&content["message"], &mut out);
    write(&content["body"], &mut out);
    out
}

fn write(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => encode::write_nil(out).unwrap(),
        Json::Bool(flag) => encode::write_bool(out, *flag).unwrap(),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => drop(encode::write_uint(out, number).unwrap()),
            (_, Some(number)) => drop(encode::write_sint(out, number).unwrap()),
            _ => encode::write_f64(out, number.as_f64().unwrap()).unwrap(),
        },
        Json::String(text) => encode::write_str(out, text).unwrap(),
        Json::Array(items) => {
            encode::write_array_len(out, items.len() as u32).unwrap();
            items.iter().for_each(|item| write(item, out));
        }
        Json::Object(map) => {
            if let (1, Some(Json::String(hex))) = (map.len(), map.get("hex")) {
                let bytes = HEXLOWER.decode(hex.as_bytes()).unwrap();
                return encode::write_bin(out, &bytes).unwrap();
            }
            encode::write_map_len(out, map.len() as u32).unwrap();
            let mut names: Vec<&String> = map.keys().collect();
            names.sort_unstable();
            for name in names {
                encode::write_str(out, name).unwrap();
                write(&map[name], out);
            }
        }
    }
}
