//! What a document keeps and says.

use sync_core::document::{self, Pen, PenRole, RecordEdit, hydrate};
use sync_core::guard;
use sync_core::ids::{Actor, EventId, RecordId, UserId};
use sync_core::schema;
use sync_core::time::UnixMs;
use uuid::Uuid;

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
    let kind = schema::kind("organization").unwrap();
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
