//! A schema as its next version might declare it: fields of every type at every place, and some
//! retired.

use crate::schema::{
    ColumnType, EventPart, EventPartType, FieldDeclaration, KindDeclaration, Log, LogColumn, Part,
    PartType, SetOf, Standing, Storage, choice, date, fields, flag, greatest_id, instant, int,
    link, log, long_text, may_have, part, set, text, whole,
};

/// Where a declaration gets fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Before all others.
    Front,
    /// Among the others.
    Middle,
    /// After all others.
    End,
}

/// A field that the next version has no use for: kind and name.
pub type Retired<'a> = (&'a str, &'a str);

const PARTS: &[Part] = &[
    part("left", PartType::Int { min: i64::MIN, max: i64::MAX }),
    part("right", PartType::Str { max: 20 }),
];

/// The fields that the next version adds to every kind of document at one place: one of each type.
pub fn added(place: Place) -> Vec<FieldDeclaration> {
    let named = |ty: &str| -> &'static str {
        // Declarations name things for ever; a test's are few.
        Box::leak(format!("{place:?}_{ty}").to_lowercase().into_boxed_str())
    };
    vec![
        text(named("text"), 40).searchable(),
        choice(named("choice"), &["red", "green"]).default("red"),
        int(named("int"), 0, 99),
        flag(named("flag")),
        date(named("date")),
        instant(named("instant")),
        link(named("link"), "user"),
        whole(named("whole"), PARTS),
        long_text(named("long")).since(2),
        set(named("set"), SetOf::Words).since(2),
        fields(named("fields")).since(2),
        log(named("log"), remarks(named("remark"))).since(2),
    ]
}

/// A log that shows its newest remark in this column.
fn remarks(column: &'static str) -> &'static Log {
    let columns: &'static [LogColumn] = Box::leak(Box::new([LogColumn {
        name: column,
        ty: ColumnType::Text,
        read: |state| state.text("remark"),
    }]));
    static PARTS: [EventPart; 1] = [may_have("remark", EventPartType::Text { max: 40 })];
    Box::leak(Box::new(Log {
        name: column,
        doc: "",
        parts: &PARTS,
        standing: Standing::Frontier,
        order: greatest_id,
        columns,
        words: None,
        typed: None,
        disputed: None,
        back: |state| state.again(),
    }))
}

/// The declarations with a field of each type more at the front, in the middle and at the end of every
/// kind of document, and without these fields.
pub fn next_version(
    declared: Vec<KindDeclaration>,
    retired: &[Retired<'_>],
) -> Vec<KindDeclaration> {
    let next = |mut kind: KindDeclaration| {
        if kind.storage == Storage::Document {
            let name = kind.name;
            let goes = |field: &FieldDeclaration| retired.contains(&(name, field.name));
            let retire =
                |field: FieldDeclaration| if goes(&field) { field.retired() } else { field };
            kind.fields = kind.fields.into_iter().map(retire).collect();
            let middle = kind.fields.len() / 2;
            kind.fields.splice(middle..middle, added(Place::Middle));
            kind.fields.splice(0..0, added(Place::Front));
            kind.fields.extend(added(Place::End));
        }
        kind
    };
    declared.into_iter().map(next).collect()
}
