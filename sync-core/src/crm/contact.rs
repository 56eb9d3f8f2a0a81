//! A person at an account.

use super::common::*;
use super::logs;
use crate::cell::Cell;
use crate::schema::*;

pub(super) fn contact() -> KindDeclaration {
    KindDeclaration {
        name: "contact",
        table: "contacts",
        scope: Scope::Follows { column: "organization_id", or_user: "created_by" },
        storage: Storage::Document,
        doc: said("A person who works at an organization."),
        title: Some("full_name"),
        subtitle: None,
        alike: None,
        fields: with_common![
            log("employer", &logs::EMPLOYER).doc("Where the person works; a move is an event."),
            text("first_name", 100).searchable().doc("Given name."),
            text("last_name", 100).required().searchable().doc("Family name."),
            text("job_title", 100).searchable().doc("Position."),
            text("department", 100).doc("Department."),
            choice("preferred_contact_method", &["phone", "email", "text", "in_person"])
                .doc("How they like to be reached."),
            text("preferred_contact_time", 100).doc("When they like to be reached."),
            text("linkedin_url", 2048).doc("Their public profile."),
            date("birthday").doc("Day of birth."),
            flag("is_decision_maker").doc("Whether they decide what is bought."),
            int("authority_level", 1, 5).doc("How much they may sign for."),
            int("influence_score", 1, 10).doc("How much others listen to them."),
            set("emails", SetOf::Emails).searchable().doc("E-mail addresses."),
            set("phones", SetOf::Phones).searchable().doc("Telephone numbers."),
            set("interests", SetOf::Words).doc("What to talk about."),
            set("dietary_restrictions", SetOf::Words).doc("What not to bring as a sample."),
            flag("do_not_contact")
                .rule(Rule::RegisterTrueWins)
                .doc("Asked to be left alone; while contested, yes."),
            long_text("notes").doc("Whatever is worth knowing."),
        ],
        derived: vec![derived("full_name", ColumnType::Text, full_name).doc(
            "`first_name` and `last_name`, those that there are, with a space between; NULL without either.",
        )],
    }
}

fn full_name(row: &RowView<'_>) -> Cell {
    let names = [row.text("first_name"), row.text("last_name")];
    let full = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if full.is_empty() { Cell::Null } else { Cell::Text(full) }
}
