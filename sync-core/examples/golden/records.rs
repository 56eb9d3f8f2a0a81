//! The records that most of the corpus is made of.

use automerge::Automerge;
use sync_core::schema::Kind;

use super::pens::{OMAR, ROSA, Writer, record, writer};
use super::schemas::{kind, later};

/// A document and what is to be said of it.
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    pub(crate) doc: Automerge,
}

/// Takes in what others wrote meanwhile.
pub(crate) fn merged(mut doc: Automerge, others: impl IntoIterator<Item = Automerge>) -> Automerge {
    for mut other in others {
        doc.merge(&mut other).unwrap();
    }
    doc
}

/// An account as every app begins one.
pub(crate) fn account(pen: &mut Writer) -> (Kind, Automerge) {
    let kind = kind("organization");
    let pairs =
        [("name", "Café Zoë 🍜"), ("notes", "Ring twice.\n\nBack door."), ("tags", "patio")];
    let (doc, _) = pen.create(&kind, record(1), &pairs);
    (kind, doc)
}

/// The parties of most conflicts: two devices that had not heard of each other.
pub(crate) fn twice(
    kind: &Kind,
    doc: Automerge,
    first: &[(&str, &str)],
    second: &[(&str, &str)],
) -> Automerge {
    let (mut here, mut there) = (doc.clone(), doc);
    writer(ROSA, 11).edit(&mut here, kind, first);
    writer(OMAR, 12).edit(&mut there, kind, second);
    merged(here, [there])
}

/// An account to which a later app wrote.
pub(crate) fn grown() -> (Kind, Automerge) {
    let kind = later().kind("organization").unwrap().clone();
    let mut rosa = writer(ROSA, 1);
    let (_, mut doc) = account(&mut rosa);
    let pairs =
        [("golden_seats", "44"), ("golden_delivery", "Through the yard."), ("golden_dock", "3")];
    rosa.edit(&mut doc, &kind, &pairs);
    rosa.edit(&mut doc, &kind, &[("golden_certificates", "halal, organic")]);
    (kind, doc)
}
