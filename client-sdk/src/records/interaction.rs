//! `interaction` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// A call, visit, meeting or other contact with an organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// Its id.
    pub id: RecordId,
    /// When the device says it was created.
    pub created_at: Option<UnixMs>,
    /// Who created it; the author of the creating change.
    pub created_by: Option<UserId>,
    /// With whom.
    pub organization_id: Option<RecordId>,
    /// Who did it.
    pub user_id: Option<UserId>,
    /// For when it is planned; it may lie ahead.
    pub planned_at: Option<UnixMs>,
    /// When it took place: a claim, which whose it was or a manager may correct; empty while it is only planned.
    pub occurred_at: Option<UnixMs>,
    /// Arrival.
    pub check_in: Option<CheckIn>,
    /// Departure.
    pub check_out: Option<CheckOut>,
    /// What it was.
    pub interaction_type: Option<InteractionType>,
    /// How long it took, at most a week.
    pub duration_minutes: Option<i64>,
    /// What it was about, in a line.
    pub subject: Option<String>,
    /// What came of it, in a line.
    pub outcome: Option<String>,
    /// How it felt.
    pub sentiment_score: Option<i64>,
    /// Where it took place.
    pub location: Option<Location>,
    /// The deal it served.
    pub opportunity_id: Option<RecordId>,
    /// Whom it was with, first of all.
    pub lead_contact_id: Option<RecordId>,
    /// What was said.
    pub description: Option<String>,
    /// What to do next.
    pub next_steps: Option<String>,
    /// Contacts who were there.
    pub attendees: Vec<RecordId>,
    /// Products spoken of.
    pub products_discussed: Vec<RecordId>,
    /// Column `status`, from `status_log`.
    pub status: Option<InteractionStatus>,
    /// Column `status_at`, from `status_log`.
    pub status_at: Option<UnixMs>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Further values by name, for a customer's own needs.
    pub custom_fields: BTreeMap<String, String>,
    /// Column `is_deleted`, from `life`.
    pub is_deleted: bool,
    /// Column `deleted_at`, from `life`.
    pub deleted_at: Option<UnixMs>,
    /// Column `updated_at`, computed.
    pub updated_at: Option<UnixMs>,
    /// Column `updated_by`, computed.
    pub updated_by: Option<UserId>,
    /// Column `conflict_count`, computed.
    pub conflict_count: i64,
    /// Column `violation_count`, computed.
    pub violation_count: i64,
}

impl Record for Interaction {
    const KIND: &'static str = "interaction";
    type Field = InteractionField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            created_at: row.moment("created_at"),
            created_by: row.parsed("created_by"),
            organization_id: row.parsed("organization_id"),
            user_id: row.parsed("user_id"),
            planned_at: row.moment("planned_at"),
            occurred_at: row.moment("occurred_at"),
            check_in: CheckIn::from_row(row, "check_in"),
            check_out: CheckOut::from_row(row, "check_out"),
            interaction_type: row.parsed("interaction_type"),
            duration_minutes: row.int("duration_minutes"),
            subject: row.text("subject"),
            outcome: row.text("outcome"),
            sentiment_score: row.int("sentiment_score"),
            location: Location::from_row(row, "location"),
            opportunity_id: row.parsed("opportunity_id"),
            lead_contact_id: row.parsed("lead_contact_id"),
            description: row.text("description"),
            next_steps: row.text("next_steps"),
            attendees: row.keys("attendees"),
            products_discussed: row.keys("products_discussed"),
            status: row.parsed("status"),
            status_at: row.moment("status_at"),
            tags: row.keys("tags"),
            custom_fields: row.entries("custom_fields"),
            is_deleted: row.flag("is_deleted").unwrap_or_default(),
            deleted_at: row.moment("deleted_at"),
            updated_at: row.moment("updated_at"),
            updated_by: row.parsed("updated_by"),
            conflict_count: row.int("conflict_count").unwrap_or_default(),
            violation_count: row.int("violation_count").unwrap_or_default(),
        })
    }
}

field_names! {
    /// A field of [`Interaction`].
    InteractionField {
        /// When the device says it was created.
        CreatedAt = "created_at",
        /// Who created it; the author of the creating change.
        CreatedBy = "created_by",
        /// With whom.
        OrganizationId = "organization_id",
        /// Who did it.
        UserId = "user_id",
        /// For when it is planned; it may lie ahead.
        PlannedAt = "planned_at",
        /// When it took place: a claim, which whose it was or a manager may correct; empty while it is only planned.
        OccurredAt = "occurred_at",
        /// Arrival.
        CheckIn = "check_in",
        /// Departure.
        CheckOut = "check_out",
        /// What it was.
        InteractionType = "interaction_type",
        /// How long it took, at most a week.
        DurationMinutes = "duration_minutes",
        /// What it was about, in a line.
        Subject = "subject",
        /// What came of it, in a line.
        Outcome = "outcome",
        /// How it felt.
        SentimentScore = "sentiment_score",
        /// Where it took place.
        Location = "location",
        /// The deal it served.
        OpportunityId = "opportunity_id",
        /// Whom it was with, first of all.
        LeadContactId = "lead_contact_id",
        /// What was said.
        Description = "description",
        /// What to do next.
        NextSteps = "next_steps",
        /// Contacts who were there.
        Attendees = "attendees",
        /// Products spoken of.
        ProductsDiscussed = "products_discussed",
        /// completed > no_show > cancelled > scheduled; without an event, completed once `occurred_at` is there, and scheduled until then.
        StatusLog = "status_log",
        /// Free labels.
        Tags = "tags",
        /// Further values by name, for a customer's own needs.
        CustomFields = "custom_fields",
        /// Tombstones and restores; a record is never removed.
        Life = "life",
    }
}

/// Why an edit of a record of this kind was not made.
pub type InteractionError = RecordError<InteractionField>;

/// What is to change in a record of this kind.
pub type InteractionEdit = Edit<Interaction>;

impl Edit<Interaction> {
    /// When the device says it was created.
    pub fn created_at(self, value: UnixMs) -> Self {
        self.set(InteractionField::CreatedAt, value.0)
    }

    /// Who created it; the author of the creating change.
    pub fn created_by(self, value: UserId) -> Self {
        self.set(InteractionField::CreatedBy, value.to_string())
    }

    /// With whom.
    pub fn organization_id(self, value: RecordId) -> Self {
        self.set(InteractionField::OrganizationId, value.to_string())
    }

    /// Who did it.
    pub fn user_id(self, value: UserId) -> Self {
        self.set(InteractionField::UserId, value.to_string())
    }

    /// For when it is planned; it may lie ahead.
    pub fn planned_at(self, value: UnixMs) -> Self {
        self.set(InteractionField::PlannedAt, value.0)
    }

    /// When it took place: a claim, which whose it was or a manager may correct; empty while it is only planned.
    pub fn occurred_at(self, value: UnixMs) -> Self {
        self.set(InteractionField::OccurredAt, value.0)
    }

    /// Arrival.
    pub fn check_in(self, value: CheckIn) -> Self {
        self.set(InteractionField::CheckIn, value.to_json())
    }

    /// Departure.
    pub fn check_out(self, value: CheckOut) -> Self {
        self.set(InteractionField::CheckOut, value.to_json())
    }

    /// What it was.
    pub fn interaction_type(self, value: InteractionType) -> Self {
        self.set(InteractionField::InteractionType, value.as_str())
    }

    /// How long it took, at most a week.
    pub fn duration_minutes(self, value: i64) -> Self {
        self.set(InteractionField::DurationMinutes, value)
    }

    /// What it was about, in a line.
    pub fn subject(self, value: impl Into<String>) -> Self {
        self.set(InteractionField::Subject, value.into())
    }

    /// What came of it, in a line.
    pub fn outcome(self, value: impl Into<String>) -> Self {
        self.set(InteractionField::Outcome, value.into())
    }

    /// How it felt.
    pub fn sentiment_score(self, value: i64) -> Self {
        self.set(InteractionField::SentimentScore, value)
    }

    /// Where it took place.
    pub fn location(self, value: Location) -> Self {
        self.set(InteractionField::Location, value.to_json())
    }

    /// The deal it served.
    pub fn opportunity_id(self, value: RecordId) -> Self {
        self.set(InteractionField::OpportunityId, value.to_string())
    }

    /// Whom it was with, first of all.
    pub fn lead_contact_id(self, value: RecordId) -> Self {
        self.set(InteractionField::LeadContactId, value.to_string())
    }

    /// What was said.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.long_text(InteractionField::Description, text.into())
    }

    /// What to do next.
    pub fn next_steps(self, text: impl Into<String>) -> Self {
        self.long_text(InteractionField::NextSteps, text.into())
    }

    /// Contacts who were there.
    pub fn add_to_attendees(self, key: RecordId) -> Self {
        self.add(InteractionField::Attendees, key.to_string())
    }

    /// Takes one away again.
    pub fn remove_from_attendees(self, key: RecordId) -> Self {
        self.remove(InteractionField::Attendees, key.to_string())
    }

    /// Products spoken of.
    pub fn add_to_products_discussed(self, key: RecordId) -> Self {
        self.add(InteractionField::ProductsDiscussed, key.to_string())
    }

    /// Takes one away again.
    pub fn remove_from_products_discussed(self, key: RecordId) -> Self {
        self.remove(InteractionField::ProductsDiscussed, key.to_string())
    }

    /// completed > no_show > cancelled > scheduled; without an event, completed once `occurred_at` is there, and scheduled until then.
    pub fn status(self, status: InteractionStatus) -> Self {
        self.event(InteractionField::StatusLog, "status", status.to_string())
    }

    /// Free labels.
    pub fn add_to_tags(self, key: impl Into<String>) -> Self {
        self.add(InteractionField::Tags, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_tags(self, key: impl Into<String>) -> Self {
        self.remove(InteractionField::Tags, key.into())
    }

    /// Further values by name, for a customer's own needs.
    pub fn set_in_custom_fields(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.entry(InteractionField::CustomFields, name.into(), Some(value.into()))
    }

    /// Takes one away again.
    pub fn remove_from_custom_fields(self, name: impl Into<String>) -> Self {
        self.entry(InteractionField::CustomFields, name.into(), None)
    }
}
