//! What a document keeps and says.

use sync_core::document::{self, Pen, PenRole, RecordEdit, hydrate};
use sync_core::guard;
use sync_core::ids::{Actor, EventId, RecordId, UserId};
use sync_core::time::UnixMs;
use uuid::Uuid;

use crate::kit::kind;

fn pen(author: u128) -> Pen {
    Pen {
        actor: Actor([7; 16]),
        author: UserId(Uuid::from_u128(author)),
        now: UnixMs(1_790_000_000_000),
        role: PenRole::Device,
    }
}

/// The author stands in every change, the first and the later ones alike.
#[test]
fn every_change_has_its_author() {
    let kind = kind("organization");
    let mut mint = || EventId(Uuid::from_u128(9));
    let pen = pen(42);
    let first = RecordEdit::parse(kind, [("name", "Café")]).unwrap();
    let id = RecordId(Uuid::from_u128(1));
    let (mut doc, created) = document::create(kind, id, &first, &pen, &mut mint).unwrap();
    let later = RecordEdit::parse(kind, [("cuisine", "Thai"), ("notes", "Ring twice")]).unwrap();
    let now = hydrate(&doc, kind);
    let edited = document::edit(&mut doc, &now, &later, &pen, &mut mint).unwrap().unwrap();
    // Automerge writes the author into an actor's first change of a document and knows it for the rest.
    for (change, author) in [(created, Some(pen.author)), (edited, None)] {
        let parsed = guard::parse(&change.bytes).unwrap();
        assert_eq!(parsed.author(), author);
        assert_eq!(parsed.hash(), change.hash);
        assert_eq!(guard::name_of_bytes(&change.bytes), change.hash);
        let at = doc.get_author_for_actor(&pen.actor.automerge()).unwrap();
        assert_eq!(at.as_bytes(), pen.author.as_bytes());
    }
}

/// Sets take `+key` and `-key`; one part of an address leaves the others alone.
#[test]
fn parts_and_keys_are_edited_one_by_one() {
    let kind = kind("organization");
    let pen = pen(1);
    let mut mint = || EventId(Uuid::from_u128(9));
    let pairs = [
        ("name", "A"),
        ("billing_address", "street=1 Main St, city=Albany"),
        ("tags", "+patio, bar"),
    ];
    let first = RecordEdit::parse(kind, pairs).unwrap();
    let id = RecordId(Uuid::from_u128(1));
    let (mut doc, _) = document::create(kind, id, &first, &pen, &mut mint).unwrap();
    let later = [
        ("billing_address.city", "Troy"),
        ("billing_address.country", "US"),
        ("tags", "-bar"),
        ("phones", "+1 518 555 0100"),
    ];
    let later = RecordEdit::parse(kind, later).unwrap();
    let now = hydrate(&doc, kind);
    document::edit(&mut doc, &now, &later, &pen, &mut mint).unwrap().unwrap();
    let now = hydrate(&doc, kind);
    let address = serde_json::json!({"city": "Troy", "country": "US", "street": "1 Main St"});
    assert_eq!(now.json("billing_address"), address);
    assert_eq!(now.field("tags"), Some(&document::FieldState::Keys(vec!["patio".into()])));
    assert_eq!(now.field("phones"), Some(&document::FieldState::Keys(vec!["+15185550100".into()])));
}
