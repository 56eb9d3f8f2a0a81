//! `organization` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// A company: somebody to sell to (prospect, customer), to sell for (principal), or who delivers (distributor).
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// Its id.
    pub id: RecordId,
    /// When the device says it was created.
    pub created_at: Option<UnixMs>,
    /// Who created it; the author of the creating change.
    pub created_by: Option<UserId>,
    /// What the company is called.
    pub name: Option<String>,
    /// Its part in the trade.
    pub organization_type: Option<OrganizationType>,
    /// Such as schools, hospitals, fine dining.
    pub industry_segment: Option<String>,
    /// Such as independent, chain, institution.
    pub business_type: Option<String>,
    /// What is cooked there.
    pub cuisine: Option<String>,
    /// Address of its web site.
    pub website: Option<String>,
    /// People employed.
    pub employee_count: Option<i64>,
    /// State of the relation, with the reason.
    pub account_status: Option<AccountStatus>,
    /// How often to visit; while contested, the higher.
    pub priority_level: Option<PriorityLevel>,
    /// Where invoices go.
    pub billing_address: Option<BillingAddress>,
    /// Where goods go.
    pub shipping_address: Option<ShippingAddress>,
    /// Where it stands.
    pub location: Option<Location>,
    /// The company it belongs to.
    pub parent_organization_id: Option<RecordId>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Organizations that deliver to it.
    pub distributors: Vec<RecordId>,
    /// Organizations whose products it buys.
    pub principals: Vec<RecordId>,
    /// Whom to ask for.
    pub primary_contact_id: Option<RecordId>,
    /// Whatever is worth knowing.
    pub notes: Option<String>,
    /// Column `assigned_user_id`, from `assignment`.
    pub assigned_user_id: Option<UserId>,
    /// Column `secondary_user_id`, from `assignment`.
    pub secondary_user_id: Option<UserId>,
    /// Column `territory_id`, from `assignment`.
    pub territory_id: Option<RecordId>,
    /// The record that replaces it.
    pub merged_into: Option<RecordId>,
    /// Created in the field and not yet looked at.
    pub needs_review: Option<bool>,
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

impl Record for Organization {
    const KIND: &'static str = "organization";
    type Field = OrganizationField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            created_at: row.moment("created_at"),
            created_by: row.parsed("created_by"),
            name: row.text("name"),
            organization_type: row.parsed("organization_type"),
            industry_segment: row.text("industry_segment"),
            business_type: row.text("business_type"),
            cuisine: row.text("cuisine"),
            website: row.text("website"),
            employee_count: row.int("employee_count"),
            account_status: AccountStatus::from_row(row, "account_status"),
            priority_level: row.parsed("priority_level"),
            billing_address: BillingAddress::from_row(row, "billing_address"),
            shipping_address: ShippingAddress::from_row(row, "shipping_address"),
            location: Location::from_row(row, "location"),
            parent_organization_id: row.parsed("parent_organization_id"),
            phones: row.keys("phones"),
            emails: row.keys("emails"),
            distributors: row.keys("distributors"),
            principals: row.keys("principals"),
            primary_contact_id: row.parsed("primary_contact_id"),
            notes: row.text("notes"),
            assigned_user_id: row.parsed("assigned_user_id"),
            secondary_user_id: row.parsed("secondary_user_id"),
            territory_id: row.parsed("territory_id"),
            merged_into: row.parsed("merged_into"),
            needs_review: row.flag("needs_review"),
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
    /// A field of [`Organization`].
    OrganizationField {
        /// When the device says it was created.
        CreatedAt = "created_at",
        /// Who created it; the author of the creating change.
        CreatedBy = "created_by",
        /// What the company is called.
        Name = "name",
        /// Its part in the trade.
        OrganizationType = "organization_type",
        /// Such as schools, hospitals, fine dining.
        IndustrySegment = "industry_segment",
        /// Such as independent, chain, institution.
        BusinessType = "business_type",
        /// What is cooked there.
        Cuisine = "cuisine",
        /// Address of its web site.
        Website = "website",
        /// People employed.
        EmployeeCount = "employee_count",
        /// State of the relation, with the reason.
        AccountStatus = "account_status",
        /// How often to visit; while contested, the higher.
        PriorityLevel = "priority_level",
        /// Where invoices go.
        BillingAddress = "billing_address",
        /// Where goods go.
        ShippingAddress = "shipping_address",
        /// Where it stands.
        Location = "location",
        /// The company it belongs to.
        ParentOrganizationId = "parent_organization_id",
        /// Telephone numbers.
        Phones = "phones",
        /// E-mail addresses.
        Emails = "emails",
        /// Organizations that deliver to it.
        Distributors = "distributors",
        /// Organizations whose products it buys.
        Principals = "principals",
        /// Whom to ask for.
        PrimaryContactId = "primary_contact_id",
        /// Whatever is worth knowing.
        Notes = "notes",
        /// Who looks after it, and in which territory; until a manager assigns it, its creator.
        Assignment = "assignment",
        /// The record that replaces it.
        MergedInto = "merged_into",
        /// Created in the field and not yet looked at.
        NeedsReview = "needs_review",
        /// Free labels.
        Tags = "tags",
        /// Further values by name, for a customer's own needs.
        CustomFields = "custom_fields",
        /// Tombstones and restores; a record is never removed.
        Life = "life",
    }
}

/// Why an edit of a record of this kind was not made.
pub type OrganizationError = RecordError<OrganizationField>;

/// What is to change in a record of this kind.
pub type OrganizationEdit = Edit<Organization>;

impl Edit<Organization> {
    /// When the device says it was created.
    pub fn created_at(self, value: UnixMs) -> Self {
        self.set(OrganizationField::CreatedAt, value.0)
    }

    /// Who created it; the author of the creating change.
    pub fn created_by(self, value: UserId) -> Self {
        self.set(OrganizationField::CreatedBy, value.to_string())
    }

    /// What the company is called.
    pub fn name(self, value: impl Into<String>) -> Self {
        self.set(OrganizationField::Name, value.into())
    }

    /// Its part in the trade.
    pub fn organization_type(self, value: OrganizationType) -> Self {
        self.set(OrganizationField::OrganizationType, value.as_str())
    }

    /// Such as schools, hospitals, fine dining.
    pub fn industry_segment(self, value: impl Into<String>) -> Self {
        self.set(OrganizationField::IndustrySegment, value.into())
    }

    /// Such as independent, chain, institution.
    pub fn business_type(self, value: impl Into<String>) -> Self {
        self.set(OrganizationField::BusinessType, value.into())
    }

    /// What is cooked there.
    pub fn cuisine(self, value: impl Into<String>) -> Self {
        self.set(OrganizationField::Cuisine, value.into())
    }

    /// Address of its web site.
    pub fn website(self, value: impl Into<String>) -> Self {
        self.set(OrganizationField::Website, value.into())
    }

    /// People employed.
    pub fn employee_count(self, value: i64) -> Self {
        self.set(OrganizationField::EmployeeCount, value)
    }

    /// State of the relation, with the reason.
    pub fn account_status(self, value: AccountStatus) -> Self {
        self.set(OrganizationField::AccountStatus, value.to_json())
    }

    /// How often to visit; while contested, the higher.
    pub fn priority_level(self, value: PriorityLevel) -> Self {
        self.set(OrganizationField::PriorityLevel, value.as_str())
    }

    /// Where invoices go.
    pub fn billing_address(self, value: BillingAddress) -> Self {
        self.set(OrganizationField::BillingAddress, value.to_json())
    }

    /// Where goods go.
    pub fn shipping_address(self, value: ShippingAddress) -> Self {
        self.set(OrganizationField::ShippingAddress, value.to_json())
    }

    /// Where it stands.
    pub fn location(self, value: Location) -> Self {
        self.set(OrganizationField::Location, value.to_json())
    }

    /// The company it belongs to.
    pub fn parent_organization_id(self, value: RecordId) -> Self {
        self.set(OrganizationField::ParentOrganizationId, value.to_string())
    }

    /// Telephone numbers.
    pub fn add_to_phones(self, key: impl Into<String>) -> Self {
        self.add(OrganizationField::Phones, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_phones(self, key: impl Into<String>) -> Self {
        self.remove(OrganizationField::Phones, key.into())
    }

    /// E-mail addresses.
    pub fn add_to_emails(self, key: impl Into<String>) -> Self {
        self.add(OrganizationField::Emails, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_emails(self, key: impl Into<String>) -> Self {
        self.remove(OrganizationField::Emails, key.into())
    }

    /// Organizations that deliver to it.
    pub fn add_to_distributors(self, key: RecordId) -> Self {
        self.add(OrganizationField::Distributors, key.to_string())
    }

    /// Takes one away again.
    pub fn remove_from_distributors(self, key: RecordId) -> Self {
        self.remove(OrganizationField::Distributors, key.to_string())
    }

    /// Organizations whose products it buys.
    pub fn add_to_principals(self, key: RecordId) -> Self {
        self.add(OrganizationField::Principals, key.to_string())
    }

    /// Takes one away again.
    pub fn remove_from_principals(self, key: RecordId) -> Self {
        self.remove(OrganizationField::Principals, key.to_string())
    }

    /// Whom to ask for.
    pub fn primary_contact_id(self, value: RecordId) -> Self {
        self.set(OrganizationField::PrimaryContactId, value.to_string())
    }

    /// Whatever is worth knowing.
    pub fn notes(self, text: impl Into<String>) -> Self {
        self.long_text(OrganizationField::Notes, text.into())
    }

    /// Created in the field and not yet looked at.
    pub fn needs_review(self, value: bool) -> Self {
        self.set(OrganizationField::NeedsReview, value)
    }

    /// Free labels.
    pub fn add_to_tags(self, key: impl Into<String>) -> Self {
        self.add(OrganizationField::Tags, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_tags(self, key: impl Into<String>) -> Self {
        self.remove(OrganizationField::Tags, key.into())
    }

    /// Further values by name, for a customer's own needs.
    pub fn set_in_custom_fields(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.entry(OrganizationField::CustomFields, name.into(), Some(value.into()))
    }

    /// Takes one away again.
    pub fn remove_from_custom_fields(self, name: impl Into<String>) -> Self {
        self.entry(OrganizationField::CustomFields, name.into(), None)
    }
}
