//! What the golden corpus is made of. The tests make it too, to see whether it would be the same.

pub(crate) mod changes;
pub(crate) mod content;
pub(crate) mod conversations;
pub(crate) mod device;
pub(crate) mod documents;
pub(crate) mod frames;
pub(crate) mod genesis;
pub(crate) mod host;
pub(crate) mod json;
pub(crate) mod meaning;
pub(crate) mod messages;
pub(crate) mod oddities;
pub(crate) mod pens;
pub(crate) mod records;
pub(crate) mod rules;
pub(crate) mod schemas;
pub(crate) mod shown;
pub(crate) mod store;

use std::collections::BTreeMap;

/// The folder that is written.
pub(crate) const VERSION: &str = "v1";

/// Every file of the corpus by its name in the folder.
pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    let mut texts: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    texts.insert("genesis".into(), genesis::all());
    texts
        .extend(documents::all().into_iter().map(|(name, one)| (format!("documents/{name}"), one)));
    texts.insert("frames/client".into(), frames::of_clients());
    texts.insert("frames/server".into(), frames::of_servers());
    texts.insert("changes/accepted".into(), changes::accepted());
    texts.insert("changes/refused".into(), changes::refused());
    texts.insert("changes/rules".into(), rules::all());
    let conversations = conversations::all().into_iter();
    texts.extend(conversations.map(|(name, one)| (format!("conversations/{name}"), one)));
    let mut files = BTreeMap::new();
    for (name, made) in device::all() {
        texts.insert(format!("devices/{name}"), made.shows);
        files.insert(format!("devices/{name}.sqlite"), made.file);
    }
    let text = |(name, json)| (format!("{name}.json"), json::pretty(&json).into_bytes());
    files.extend(texts.into_iter().map(text));
    files
}
