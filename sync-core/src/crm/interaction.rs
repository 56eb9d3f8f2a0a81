//! Something that happened between a rep and an account.

use super::common::*;
use super::logs;
use crate::schema::*;

pub(super) fn interaction() -> KindDeclaration {
    KindDeclaration {
        name: "interaction",
        table: "interactions",
        scope: Scope::Follows { column: "organization_id", or_user: "user_id" },
        storage: Storage::Document,
        doc: said("A call, visit, meeting or other contact with an organization."),
        title: Some("subject"),
        subtitle: None,
        alike: None,
        fields: with_common![
            link("organization_id", "organization").immutable().required().doc("With whom."),
            link("user_id", "user").immutable().required().initially_author().doc("Who did it."),
            instant("planned_at").doc("For when it is planned; it may lie ahead."),
            instant("occurred_at")
                .initially_now_unless("planned_at")
                .doc("When it took place: a claim, which whose it was or a manager may correct; empty while it is only planned."),
            whole("check_in", CHECK).once().doc("Arrival."),
            whole("check_out", CHECK).once().doc("Departure."),
            choice(
                "interaction_type",
                &["CALL", "EMAIL", "MEETING", "VISIT", "DEMO", "PROPOSAL", "FOLLOW_UP", "SAMPLE"],
            )
            .pg_enum("interaction_type")
            .required()
            .doc("What it was."),
            int("duration_minutes", 0, 10_080).doc("How long it took, at most a week."),
            text("subject", 255).searchable().doc("What it was about, in a line."),
            text("outcome", 255).doc("What came of it, in a line."),
            int("sentiment_score", 1, 5).doc("How it felt."),
            whole("location", POSITION).doc("Where it took place."),
            link("opportunity_id", "opportunity").doc("The deal it served."),
            link("lead_contact_id", "contact").doc("Whom it was with, first of all."),
            long_text("description").doc("What was said."),
            long_text("next_steps").doc("What to do next."),
            set("attendees", SetOf::Ids).doc("Contacts who were there."),
            set("products_discussed", SetOf::Ids).doc("Products spoken of."),
            log("status_log", &logs::STATUS)
                .doc("completed > no_show > cancelled > scheduled; without an event, completed once `occurred_at` is there, and scheduled until then."),
        ],
        derived: vec![],
    }
}
