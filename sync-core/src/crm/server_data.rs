//! Rows that only the server writes: people and territories.

use crate::schema::*;

pub(super) fn user() -> KindDeclaration {
    KindDeclaration {
        name: "user",
        table: "users",
        scope: Scope::Everyone,
        storage: Storage::ServerRow,
        doc: said("A person with an account; names are visible to colleagues, nothing else is."),
        title: Some("full_name"),
        subtitle: None,
        alike: None,
        fields: vec![
            text("full_name", 255).doc("Given and family name."),
            text("role", 50).doc("admin, manager, sales_rep or read_only."),
            link("manager_id", "user").doc("Whom they report to."),
            link("territory_id", "territory").doc("Where they work."),
            text("time_zone", 64).doc("IANA time zone; weeks in reports are weeks there."),
            flag("is_active").doc("Whether they may sign in."),
        ],
        derived: vec![],
    }
}

pub(super) fn territory() -> KindDeclaration {
    KindDeclaration {
        name: "territory",
        table: "territories",
        scope: Scope::Everyone,
        storage: Storage::ServerRow,
        doc: said("A sales region; territories form a tree."),
        title: Some("name"),
        subtitle: None,
        alike: None,
        fields: vec![
            text("name", 255).doc("What it is called."),
            link("parent_id", "territory").doc("The region it lies in."),
        ],
        derived: vec![],
    }
}
