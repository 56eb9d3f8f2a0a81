//! `contact` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// A person who works at an organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Its id.
    pub id: RecordId,
    /// When the device says it was created.
    pub created_at: Option<UnixMs>,
    /// Who created it; the author of the creating change.
    pub created_by: Option<UserId>,
    /// Column `organization_id`, from `employer`.
    pub organization_id: Option<RecordId>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Position.
    pub job_title: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// How they like to be reached.
    pub preferred_contact_method: Option<PreferredContactMethod>,
    /// When they like to be reached.
    pub preferred_contact_time: Option<String>,
    /// Their public profile.
    pub linkedin_url: Option<String>,
    /// Day of birth.
    pub birthday: Option<Date>,
    /// Whether they decide what is bought.
    pub is_decision_maker: Option<bool>,
    /// How much they may sign for.
    pub authority_level: Option<i64>,
    /// How much others listen to them.
    pub influence_score: Option<i64>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// What to talk about.
    pub interests: Vec<String>,
    /// What not to bring as a sample.
    pub dietary_restrictions: Vec<String>,
    /// Asked to be left alone; while contested, yes.
    pub do_not_contact: Option<bool>,
    /// Whatever is worth knowing.
    pub notes: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Further values by name, for a customer's own needs.
    pub custom_fields: BTreeMap<String, String>,
    /// Column `is_deleted`, from `life`.
    pub is_deleted: bool,
    /// Column `deleted_at`, from `life`.
    pub deleted_at: Option<UnixMs>,
    /// Column `full_name`, computed.
    pub full_name: Option<String>,
    /// Column `updated_at`, computed.
    pub updated_at: Option<UnixMs>,
    /// Column `updated_by`, computed.
    pub updated_by: Option<UserId>,
    /// Column `conflict_count`, computed.
    pub conflict_count: i64,
    /// Column `violation_count`, computed.
    pub violation_count: i64,
}

impl Record for Contact {
    const KIND: &'static str = "contact";
    type Field = ContactField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            created_at: row.moment("created_at"),
            created_by: row.parsed("created_by"),
            organization_id: row.parsed("organization_id"),
            first_name: row.text("first_name"),
            last_name: row.text("last_name"),
            job_title: row.text("job_title"),
            department: row.text("department"),
            preferred_contact_method: row.parsed("preferred_contact_method"),
            preferred_contact_time: row.text("preferred_contact_time"),
            linkedin_url: row.text("linkedin_url"),
            birthday: row.parsed("birthday"),
            is_decision_maker: row.flag("is_decision_maker"),
            authority_level: row.int("authority_level"),
            influence_score: row.int("influence_score"),
            emails: row.keys("emails"),
            phones: row.keys("phones"),
            interests: row.keys("interests"),
            dietary_restrictions: row.keys("dietary_restrictions"),
            do_not_contact: row.flag("do_not_contact"),
            notes: row.text("notes"),
            tags: row.keys("tags"),
            custom_fields: row.entries("custom_fields"),
            is_deleted: row.flag("is_deleted").unwrap_or_default(),
            deleted_at: row.moment("deleted_at"),
            full_name: row.text("full_name"),
            updated_at: row.moment("updated_at"),
            updated_by: row.parsed("updated_by"),
            conflict_count: row.int("conflict_count").unwrap_or_default(),
            violation_count: row.int("violation_count").unwrap_or_default(),
        })
    }
}

field_names! {
    /// A field of [`Contact`].
    ContactField {
        /// When the device says it was created.
        CreatedAt = "created_at",
        /// Who created it; the author of the creating change.
        CreatedBy = "created_by",
        /// Where the person works; a move is an event.
        Employer = "employer",
        /// Given name.
        FirstName = "first_name",
        /// Family name.
        LastName = "last_name",
        /// Position.
        JobTitle = "job_title",
        /// Department.
        Department = "department",
        /// How they like to be reached.
        PreferredContactMethod = "preferred_contact_method",
        /// When they like to be reached.
        PreferredContactTime = "preferred_contact_time",
        /// Their public profile.
        LinkedinUrl = "linkedin_url",
        /// Day of birth.
        Birthday = "birthday",
        /// Whether they decide what is bought.
        IsDecisionMaker = "is_decision_maker",
        /// How much they may sign for.
        AuthorityLevel = "authority_level",
        /// How much others listen to them.
        InfluenceScore = "influence_score",
        /// E-mail addresses.
        Emails = "emails",
        /// Telephone numbers.
        Phones = "phones",
        /// What to talk about.
        Interests = "interests",
        /// What not to bring as a sample.
        DietaryRestrictions = "dietary_restrictions",
        /// Asked to be left alone; while contested, yes.
        DoNotContact = "do_not_contact",
        /// Whatever is worth knowing.
        Notes = "notes",
        /// Free labels.
        Tags = "tags",
        /// Further values by name, for a customer's own needs.
        CustomFields = "custom_fields",
        /// Tombstones and restores; a record is never removed.
        Life = "life",
    }
}

/// Why an edit of a record of this kind was not made.
pub type ContactError = RecordError<ContactField>;

/// What is to change in a record of this kind.
pub type ContactEdit = Edit<Contact>;

impl Edit<Contact> {
    /// When the device says it was created.
    pub fn created_at(self, value: UnixMs) -> Self {
        self.set(ContactField::CreatedAt, value.0)
    }

    /// Who created it; the author of the creating change.
    pub fn created_by(self, value: UserId) -> Self {
        self.set(ContactField::CreatedBy, value.to_string())
    }

    /// Where the person works; a move is an event.
    pub fn organization_id(self, id: RecordId) -> Self {
        self.event(ContactField::Employer, "organization_id", id.to_string())
    }

    /// Given name.
    pub fn first_name(self, value: impl Into<String>) -> Self {
        self.set(ContactField::FirstName, value.into())
    }

    /// Family name.
    pub fn last_name(self, value: impl Into<String>) -> Self {
        self.set(ContactField::LastName, value.into())
    }

    /// Position.
    pub fn job_title(self, value: impl Into<String>) -> Self {
        self.set(ContactField::JobTitle, value.into())
    }

    /// Department.
    pub fn department(self, value: impl Into<String>) -> Self {
        self.set(ContactField::Department, value.into())
    }

    /// How they like to be reached.
    pub fn preferred_contact_method(self, value: PreferredContactMethod) -> Self {
        self.set(ContactField::PreferredContactMethod, value.as_str())
    }

    /// When they like to be reached.
    pub fn preferred_contact_time(self, value: impl Into<String>) -> Self {
        self.set(ContactField::PreferredContactTime, value.into())
    }

    /// Their public profile.
    pub fn linkedin_url(self, value: impl Into<String>) -> Self {
        self.set(ContactField::LinkedinUrl, value.into())
    }

    /// Day of birth.
    pub fn birthday(self, value: Date) -> Self {
        self.set(ContactField::Birthday, day(value))
    }

    /// Whether they decide what is bought.
    pub fn is_decision_maker(self, value: bool) -> Self {
        self.set(ContactField::IsDecisionMaker, value)
    }

    /// How much they may sign for.
    pub fn authority_level(self, value: i64) -> Self {
        self.set(ContactField::AuthorityLevel, value)
    }

    /// How much others listen to them.
    pub fn influence_score(self, value: i64) -> Self {
        self.set(ContactField::InfluenceScore, value)
    }

    /// E-mail addresses.
    pub fn add_to_emails(self, key: impl Into<String>) -> Self {
        self.add(ContactField::Emails, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_emails(self, key: impl Into<String>) -> Self {
        self.remove(ContactField::Emails, key.into())
    }

    /// Telephone numbers.
    pub fn add_to_phones(self, key: impl Into<String>) -> Self {
        self.add(ContactField::Phones, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_phones(self, key: impl Into<String>) -> Self {
        self.remove(ContactField::Phones, key.into())
    }

    /// What to talk about.
    pub fn add_to_interests(self, key: impl Into<String>) -> Self {
        self.add(ContactField::Interests, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_interests(self, key: impl Into<String>) -> Self {
        self.remove(ContactField::Interests, key.into())
    }

    /// What not to bring as a sample.
    pub fn add_to_dietary_restrictions(self, key: impl Into<String>) -> Self {
        self.add(ContactField::DietaryRestrictions, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_dietary_restrictions(self, key: impl Into<String>) -> Self {
        self.remove(ContactField::DietaryRestrictions, key.into())
    }

    /// Asked to be left alone; while contested, yes.
    pub fn do_not_contact(self, value: bool) -> Self {
        self.set(ContactField::DoNotContact, value)
    }

    /// Whatever is worth knowing.
    pub fn notes(self, text: impl Into<String>) -> Self {
        self.long_text(ContactField::Notes, text.into())
    }

    /// Free labels.
    pub fn add_to_tags(self, key: impl Into<String>) -> Self {
        self.add(ContactField::Tags, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_tags(self, key: impl Into<String>) -> Self {
        self.remove(ContactField::Tags, key.into())
    }

    /// Further values by name, for a customer's own needs.
    pub fn set_in_custom_fields(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.entry(ContactField::CustomFields, name.into(), Some(value.into()))
    }

    /// Takes one away again.
    pub fn remove_from_custom_fields(self, name: impl Into<String>) -> Self {
        self.entry(ContactField::CustomFields, name.into(), None)
    }
}
