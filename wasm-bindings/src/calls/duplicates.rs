//! Records that may be the same as one that is about to be made.

use serde::Deserialize;
use serde_json::json;
use sync_core::replica::{Likeness, Replica, Why};

use crate::failure::{Answer, Failure};

/// Records that are told when nobody says how many.
const TOLD: usize = 10;

#[derive(Deserialize)]
pub(super) struct Asked {
    kind: Option<String>,
    name: String,
    phone: Option<String>,
    #[serde(alias = "postalCode")]
    postal_code: Option<String>,
    lat: Option<f64>,
    lng: Option<f64>,
    most: Option<usize>,
}

/// The likeliest first; accounts unless another kind is named.
pub(super) fn list(replica: &Replica, args: &Asked) -> Answer {
    let name = args.kind.as_deref().unwrap_or("organization");
    let kind = replica.schema().kind(name);
    let kind = kind.ok_or_else(|| Failure::call(format!("there is no kind \"{name}\"")))?;
    let of = Likeness {
        name: args.name.clone(),
        phones: args.phone.iter().cloned().collect(),
        postal_code: args.postal_code.clone(),
        position: args.lat.zip(args.lng),
    };
    let found = replica.duplicates(kind, &of, args.most.unwrap_or(TOLD))?.into_iter();
    let told = found.map(|one| {
        let why: Vec<&str> = one.why.iter().copied().map(Why::as_str).collect();
        json!({
            "id": one.id,
            "kind": kind.name,
            "title": one.title,
            "subtitle": one.subtitle,
            "score": one.score,
            "likely": one.is_likely(),
            "why": why,
            "metres": one.metres.map(f64::round),
        })
    });
    Ok(told.collect())
}
