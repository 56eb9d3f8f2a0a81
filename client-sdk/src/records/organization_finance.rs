//! `organization_finance` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// What an account earns, owes and how it pays; for the managers who see the account, and administrators.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationFinance {
    /// Its id.
    pub id: RecordId,
    /// When the device says it was created.
    pub created_at: Option<UnixMs>,
    /// Who created it; the author of the creating change.
    pub created_by: Option<UserId>,
    /// Whose finances.
    pub organization_id: Option<RecordId>,
    /// What it turns over in a year; while contested, the lower is shown.
    pub annual_revenue: Option<AnnualRevenue>,
    /// How much it may owe; while contested, the lower is shown.
    pub credit_limit: Option<CreditLimit>,
    /// When it pays; 2_10_net_30 is 2 % off within ten days, else thirty.
    pub payment_terms: Option<PaymentTerms>,
    /// Its number with the tax office.
    pub tax_id: Option<String>,
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

impl Record for OrganizationFinance {
    const KIND: &'static str = "organization_finance";
    type Field = OrganizationFinanceField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            created_at: row.moment("created_at"),
            created_by: row.parsed("created_by"),
            organization_id: row.parsed("organization_id"),
            annual_revenue: AnnualRevenue::from_row(row, "annual_revenue"),
            credit_limit: CreditLimit::from_row(row, "credit_limit"),
            payment_terms: row.parsed("payment_terms"),
            tax_id: row.text("tax_id"),
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
    /// A field of [`OrganizationFinance`].
    OrganizationFinanceField {
        /// When the device says it was created.
        CreatedAt = "created_at",
        /// Who created it; the author of the creating change.
        CreatedBy = "created_by",
        /// Whose finances.
        OrganizationId = "organization_id",
        /// What it turns over in a year; while contested, the lower is shown.
        AnnualRevenue = "annual_revenue",
        /// How much it may owe; while contested, the lower is shown.
        CreditLimit = "credit_limit",
        /// When it pays; 2_10_net_30 is 2 % off within ten days, else thirty.
        PaymentTerms = "payment_terms",
        /// Its number with the tax office.
        TaxId = "tax_id",
        /// Free labels.
        Tags = "tags",
        /// Further values by name, for a customer's own needs.
        CustomFields = "custom_fields",
        /// Tombstones and restores; a record is never removed.
        Life = "life",
    }
}

/// Why an edit of a record of this kind was not made.
pub type OrganizationFinanceError = RecordError<OrganizationFinanceField>;

/// What is to change in a record of this kind.
pub type OrganizationFinanceEdit = Edit<OrganizationFinance>;

impl Edit<OrganizationFinance> {
    /// When the device says it was created.
    pub fn created_at(self, value: UnixMs) -> Self {
        self.set(OrganizationFinanceField::CreatedAt, value.0)
    }

    /// Who created it; the author of the creating change.
    pub fn created_by(self, value: UserId) -> Self {
        self.set(OrganizationFinanceField::CreatedBy, value.to_string())
    }

    /// Whose finances.
    pub fn organization_id(self, value: RecordId) -> Self {
        self.set(OrganizationFinanceField::OrganizationId, value.to_string())
    }

    /// What it turns over in a year; while contested, the lower is shown.
    pub fn annual_revenue(self, value: AnnualRevenue) -> Self {
        self.set(OrganizationFinanceField::AnnualRevenue, value.to_json())
    }

    /// How much it may owe; while contested, the lower is shown.
    pub fn credit_limit(self, value: CreditLimit) -> Self {
        self.set(OrganizationFinanceField::CreditLimit, value.to_json())
    }

    /// When it pays; 2_10_net_30 is 2 % off within ten days, else thirty.
    pub fn payment_terms(self, value: PaymentTerms) -> Self {
        self.set(OrganizationFinanceField::PaymentTerms, value.as_str())
    }

    /// Its number with the tax office.
    pub fn tax_id(self, value: impl Into<String>) -> Self {
        self.set(OrganizationFinanceField::TaxId, value.into())
    }

    /// Free labels.
    pub fn add_to_tags(self, key: impl Into<String>) -> Self {
        self.add(OrganizationFinanceField::Tags, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_tags(self, key: impl Into<String>) -> Self {
        self.remove(OrganizationFinanceField::Tags, key.into())
    }

    /// Further values by name, for a customer's own needs.
    pub fn set_in_custom_fields(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.entry(OrganizationFinanceField::CustomFields, name.into(), Some(value.into()))
    }

    /// Takes one away again.
    pub fn remove_from_custom_fields(self, name: impl Into<String>) -> Self {
        self.entry(OrganizationFinanceField::CustomFields, name.into(), None)
    }
}
