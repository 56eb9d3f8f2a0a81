//! `task` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// A follow-up or another thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: RecordId,
    /// When the device says it was created.
    pub created_at: Option<UnixMs>,
    /// Who created it; the author of the creating change.
    pub created_by: Option<UserId>,
    /// What to do.
    pub title: Option<String>,
    /// What sort of thing it is.
    pub task_type: Option<TaskType>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When to remind.
    pub reminder_at: Option<UnixMs>,
    /// Hidden until then.
    pub snooze_until: Option<UnixMs>,
    /// When it is due; while contested, the earliest.
    pub due_date: Option<Date>,
    /// Who is to do it.
    pub assignee_id: Option<UserId>,
    /// The account it concerns.
    pub organization_id: Option<RecordId>,
    /// The person it concerns.
    pub contact_id: Option<RecordId>,
    /// The deal it concerns.
    pub opportunity_id: Option<RecordId>,
    /// What gave rise to it.
    pub interaction_id: Option<RecordId>,
    /// Details.
    pub description: Option<String>,
    /// Column `is_completed`, from `completion`.
    pub is_completed: bool,
    /// Column `completed_at`, from `completion`.
    pub completed_at: Option<UnixMs>,
    /// Column `completed_by`, from `completion`.
    pub completed_by: Option<UserId>,
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

impl Record for Task {
    const KIND: &'static str = "task";
    type Field = TaskField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            created_at: row.moment("created_at"),
            created_by: row.parsed("created_by"),
            title: row.text("title"),
            task_type: row.parsed("task_type"),
            priority: row.parsed("priority"),
            reminder_at: row.moment("reminder_at"),
            snooze_until: row.moment("snooze_until"),
            due_date: row.parsed("due_date"),
            assignee_id: row.parsed("assignee_id"),
            organization_id: row.parsed("organization_id"),
            contact_id: row.parsed("contact_id"),
            opportunity_id: row.parsed("opportunity_id"),
            interaction_id: row.parsed("interaction_id"),
            description: row.text("description"),
            is_completed: row.flag("is_completed").unwrap_or_default(),
            completed_at: row.moment("completed_at"),
            completed_by: row.parsed("completed_by"),
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
    /// A field of [`Task`].
    TaskField {
        /// When the device says it was created.
        CreatedAt = "created_at",
        /// Who created it; the author of the creating change.
        CreatedBy = "created_by",
        /// What to do.
        Title = "title",
        /// What sort of thing it is.
        TaskType = "task_type",
        /// How urgent it is.
        Priority = "priority",
        /// When to remind.
        ReminderAt = "reminder_at",
        /// Hidden until then.
        SnoozeUntil = "snooze_until",
        /// When it is due; while contested, the earliest.
        DueDate = "due_date",
        /// Who is to do it.
        AssigneeId = "assignee_id",
        /// The account it concerns.
        OrganizationId = "organization_id",
        /// The person it concerns.
        ContactId = "contact_id",
        /// The deal it concerns.
        OpportunityId = "opportunity_id",
        /// What gave rise to it.
        InteractionId = "interaction_id",
        /// Details.
        Description = "description",
        /// Done if any completion is not superseded by a reopening; by the earliest.
        Completion = "completion",
        /// Free labels.
        Tags = "tags",
        /// Further values by name, for a customer's own needs.
        CustomFields = "custom_fields",
        /// Tombstones and restores; a record is never removed.
        Life = "life",
    }
}

/// Why an edit of a record of this kind was not made.
pub type TaskError = RecordError<TaskField>;

/// What is to change in a record of this kind.
pub type TaskEdit = Edit<Task>;

impl Edit<Task> {
    /// When the device says it was created.
    pub fn created_at(self, value: UnixMs) -> Self {
        self.set(TaskField::CreatedAt, value.0)
    }

    /// Who created it; the author of the creating change.
    pub fn created_by(self, value: UserId) -> Self {
        self.set(TaskField::CreatedBy, value.to_string())
    }

    /// What to do.
    pub fn title(self, value: impl Into<String>) -> Self {
        self.set(TaskField::Title, value.into())
    }

    /// What sort of thing it is.
    pub fn task_type(self, value: TaskType) -> Self {
        self.set(TaskField::TaskType, value.as_str())
    }

    /// How urgent it is.
    pub fn priority(self, value: Priority) -> Self {
        self.set(TaskField::Priority, value.as_str())
    }

    /// When to remind.
    pub fn reminder_at(self, value: UnixMs) -> Self {
        self.set(TaskField::ReminderAt, value.0)
    }

    /// Hidden until then.
    pub fn snooze_until(self, value: UnixMs) -> Self {
        self.set(TaskField::SnoozeUntil, value.0)
    }

    /// When it is due; while contested, the earliest.
    pub fn due_date(self, value: Date) -> Self {
        self.set(TaskField::DueDate, day(value))
    }

    /// Who is to do it.
    pub fn assignee_id(self, value: UserId) -> Self {
        self.set(TaskField::AssigneeId, value.to_string())
    }

    /// The account it concerns.
    pub fn organization_id(self, value: RecordId) -> Self {
        self.set(TaskField::OrganizationId, value.to_string())
    }

    /// The person it concerns.
    pub fn contact_id(self, value: RecordId) -> Self {
        self.set(TaskField::ContactId, value.to_string())
    }

    /// The deal it concerns.
    pub fn opportunity_id(self, value: RecordId) -> Self {
        self.set(TaskField::OpportunityId, value.to_string())
    }

    /// What gave rise to it.
    pub fn interaction_id(self, value: RecordId) -> Self {
        self.set(TaskField::InteractionId, value.to_string())
    }

    /// Details.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.long_text(TaskField::Description, text.into())
    }

    /// Done if any completion is not superseded by a reopening; by the earliest.
    pub fn completed(self, done: bool) -> Self {
        self.event(TaskField::Completion, "completed", String::from(if done { "yes" } else { "no" }))
    }

    /// Free labels.
    pub fn add_to_tags(self, key: impl Into<String>) -> Self {
        self.add(TaskField::Tags, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_tags(self, key: impl Into<String>) -> Self {
        self.remove(TaskField::Tags, key.into())
    }

    /// Further values by name, for a customer's own needs.
    pub fn set_in_custom_fields(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.entry(TaskField::CustomFields, name.into(), Some(value.into()))
    }

    /// Takes one away again.
    pub fn remove_from_custom_fields(self, name: impl Into<String>) -> Self {
        self.entry(TaskField::CustomFields, name.into(), None)
    }
}
