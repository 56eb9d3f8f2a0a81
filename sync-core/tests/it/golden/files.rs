//! The files of the corpus, and what of them is promised.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde_json::Value as Json;

/// What is for people, or up to the library that compresses, and may come to be another.
const NOT_PROMISED: [&str; 5] = ["deflated", "problem", "sentence", "zlib", "zstd"];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The folder of every version, all of which are read for ever.
pub(crate) fn versions() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path());
    let mut versions: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    versions.sort_unstable();
    assert!(versions.contains(&golden().join(super::corpus::VERSION)), "{versions:?}");
    versions
}

/// Every file but the README of the version that is written today, by its name in the folder.
pub(crate) fn written() -> Vec<(String, Vec<u8>)> {
    within(&golden().join(super::corpus::VERSION))
}

fn within(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut folders = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with(".md") {
                found.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    found.sort_unstable();
    found
}

/// The JSON files of a folder in every version, by their paths.
pub(crate) fn folder(name: &str) -> Vec<(PathBuf, Json)> {
    let mut found = Vec::new();
    for version in versions() {
        let files = within(&version.join(name)).into_iter();
        let texts = files.filter(|(file, _)| file.ends_with(".json"));
        found.extend(texts.map(|(file, bytes)| {
            let json = serde_json::from_slice(&bytes).unwrap();
            (version.join(name).join(file), json)
        }));
    }
    assert!(!found.is_empty(), "nothing in {name}");
    found
}

/// A file in every version.
pub(crate) fn read(name: &str) -> Vec<Json> {
    let files = versions().into_iter().map(|version| std::fs::read(version.join(name)).unwrap());
    files.map(|bytes| serde_json::from_slice(&bytes).unwrap()).collect()
}

/// The lists in a file of every version, as one.
pub(crate) fn list(name: &str) -> Vec<Json> {
    let lists = read(name).into_iter().map(|json| match json {
        Json::Array(items) => items,
        _ => panic!("{name} holds a list"),
    });
    let items: Vec<Json> = lists.flatten().collect();
    assert!(!items.is_empty(), "nothing in {name}");
    items
}

pub(crate) fn unhex(json: &Json) -> Vec<u8> {
    HEXLOWER.decode(json.as_str().unwrap().as_bytes()).unwrap()
}

/// Without what may come to be another.
pub(crate) fn promised(mut json: Json) -> Json {
    strip(&mut json);
    json
}

fn strip(json: &mut Json) {
    match json {
        Json::Object(map) => {
            map.retain(|name, _| !NOT_PROMISED.contains(&name.as_str()));
            if let Some(Json::Array(answers)) = map.get_mut("server") {
                answers.iter_mut().for_each(strip_answer);
            }
            map.values_mut().for_each(strip);
        }
        Json::Array(items) => items.iter_mut().for_each(strip),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// A server's cursors are its own affair, as long as it understands those it gave; what its rows are
/// of follows from its schema, which grows; and both are in the bytes of the frame.
fn strip_answer(answer: &mut Json) {
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("frame");
    }
    if let Some(body) = answer["content"]["body"].as_object_mut() {
        body.retain(|name, _| name != "cursor" && name != "fingerprint");
    }
}

/// Where `today` does not have what `golden` has. It may have more: columns and fields are added.
pub(crate) fn lacking(golden: &Json, today: &Json) -> Vec<String> {
    let mut places = Vec::new();
    compare(golden, today, "", &mut places);
    places
}

fn compare(golden: &Json, today: &Json, place: &str, places: &mut Vec<String>) {
    match (golden, today) {
        (Json::Object(golden), Json::Object(today)) => {
            for (name, value) in golden {
                let place = format!("{place}/{name}");
                match today.get(name) {
                    Some(now) => compare(value, now, &place, places),
                    None => places.push(format!("{place} is not there any more")),
                }
            }
        }
        (Json::Array(golden), Json::Array(today)) if golden.len() == today.len() => {
            for (index, (value, now)) in golden.iter().zip(today).enumerate() {
                compare(value, now, &format!("{place}/{index}"), places);
            }
        }
        (golden, today) if golden == today => {}
        (golden, today) => places.push(format!("{place} was {golden} and is {today}")),
    }
}
