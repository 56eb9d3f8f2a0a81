//! The schemas by which the corpus is read: the CRM's, and one of a later app.

use std::sync::Arc;

use sync_core::crm;
use sync_core::schema::{
    FieldDeclaration, Kind, KindDeclaration, Schema, SetOf, fields, int, long_text, set, text,
};

/// The CRM's.
pub(crate) fn crm() -> Arc<Schema> {
    crm::schema()
}

/// The CRM's as a later app might have it: accounts with two more steps of genesis, one more register
/// and a field that is out of use. Steps that the CRM itself came to have are left out, so that these
/// stay the second and the third.
pub(crate) fn later() -> Arc<Schema> {
    let grown = |kind: &Kind| {
        let mut kept: Vec<FieldDeclaration> = kind
            .fields
            .iter()
            .map(|field| (**field).clone())
            .filter(|field| field.since == 1)
            .map(|field| if field.name == "industry_segment" { field.retired() } else { field })
            .collect();
        if kind.name == "organization" {
            kept.insert(4, int("golden_seats", 0, 9999));
            kept.extend([
                long_text("golden_delivery").since(2),
                set("golden_certificates", SetOf::Words).since(2),
                text("golden_dock", 100),
                fields("golden_extras").since(3),
            ]);
        }
        KindDeclaration {
            name: kind.name,
            table: kind.table,
            scope: kind.scope,
            storage: kind.storage,
            fields: kept,
            derived: kind.derived.clone(),
            title: kind.title,
            subtitle: kind.subtitle,
            alike: kind.alike,
            doc: kind.doc,
        }
    };
    Schema::new(crm().kinds().iter().map(grown).collect())
}

/// A kind of the CRM.
pub(crate) fn kind(name: &str) -> Kind {
    crm().kind(name).unwrap().clone()
}
