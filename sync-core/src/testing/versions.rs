//! A schema one version on.

use std::sync::Arc;

use crate::schema::{Field, FieldType, KindDeclaration, Presence, Rule, Schema, SetOf, Storage, Use, set, text};

/// What a schema may become in its next version: every kind of document gains a text and a set, and
/// loses the last plain text of those it can do without.
pub fn later(schema: &Schema) -> Arc<Schema> {
    let declare = |kind: &crate::schema::Kind| {
        let mut fields: Vec<_> = kind.fields.iter().map(|field| (**field).clone()).collect();
        if kind.storage == Storage::Document {
            let spare = |field: &&Field| {
                matches!(field.ty, FieldType::Str { .. })
                    && (field.rule, field.required) == (Rule::Register, Presence::Optional)
                    && field.usage == Use::InUse
            };
            let title = kind.title;
            let last = kind.fields.iter().rev().filter(|field| Some(field.name) != title);
            if let Some(last) = last.clone().find(|field| spare(field)) {
                let retired = fields.iter_mut().find(|field| field.name == last.name);
                if let Some(retired) = retired {
                    retired.usage = Use::Retired;
                }
            }
            let step = 1 + kind.fields.iter().map(|field| field.since).max().unwrap_or(1);
            fields.push(text("added_word", 100).searchable().doc("Came with a later version."));
            fields.push(set("added_keys", SetOf::Words).since(step).doc("Came with it."));
        }
        KindDeclaration {
            name: kind.name,
            table: kind.table,
            scope: kind.scope,
            storage: kind.storage,
            fields,
            derived: kind.derived.clone(),
            title: kind.title,
            doc: kind.doc,
        }
    };
    Schema::new(schema.kinds().iter().map(declare).collect())
}
