//! Something to be done.

use super::common::*;
use super::logs;
use crate::schema::*;

pub(super) fn task() -> KindDeclaration {
    KindDeclaration {
        name: "task",
        table: "tasks",
        scope: Scope::Follows { column: "organization_id", or_user: "assignee_id" },
        storage: Storage::Document,
        doc: said("A follow-up or another thing to do."),
        title: Some("title"),
        subtitle: None,
        alike: None,
        fields: with_common![
            text("title", 255).required().searchable().doc("What to do."),
            choice("task_type", &["follow_up", "call", "email", "visit", "sample", "other"])
                .default("other")
                .doc("What sort of thing it is."),
            choice("priority", &["high", "medium", "low"])
                .default("medium")
                .doc("How urgent it is."),
            instant("reminder_at").doc("When to remind."),
            instant("snooze_until").doc("Hidden until then."),
            date("due_date")
                .rule(Rule::RegisterEarliestWins)
                .doc("When it is due; while contested, the earliest."),
            link("assignee_id", "user").doc("Who is to do it."),
            link("organization_id", "organization").immutable().doc("The account it concerns."),
            link("contact_id", "contact").immutable().doc("The person it concerns."),
            link("opportunity_id", "opportunity").immutable().doc("The deal it concerns."),
            link("interaction_id", "interaction").immutable().doc("What gave rise to it."),
            long_text("description").doc("Details."),
            log("completion", &logs::COMPLETION)
                .doc("Done if any completion is not superseded by a reopening; by the earliest."),
        ],
        derived: vec![],
    }
}
