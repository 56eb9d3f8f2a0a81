//! JSON as it lies in the corpus: keys sorted, bytes as hexadecimal text.

use data_encoding::HEXLOWER;
use serde_json::Value as Json;

/// Bytes as text.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

/// The text of a file: two spaces a level, keys sorted whatever the order of a map, lists of plain
/// values, and bytes, on a line.
pub(crate) fn pretty(json: &Json) -> String {
    let mut out = String::new();
    put(json, 0, &mut out);
    out.push('\n');
    out
}

fn put(json: &Json, depth: usize, out: &mut String) {
    let indent = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match json {
        Json::Object(map) if map.len() == 1 && map.contains_key("hex") => {
            out.push_str(&format!("{{ \"hex\": {} }}", map["hex"]));
        }
        Json::Object(map) if !map.is_empty() => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            for (index, key) in keys.into_iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                indent(depth + 1, out);
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push_str(": ");
                put(&map[key], depth + 1, out);
            }
            indent(depth, out);
            out.push('}');
        }
        Json::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                indent(depth + 1, out);
                put(item, depth + 1, out);
            }
            indent(depth, out);
            out.push(']');
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(Json::to_string).collect();
            out.push_str(&format!("[{}]", items.join(", ")));
        }
        plain => out.push_str(&plain.to_string()),
    }
}
