//! `opportunity` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// A deal: something an organization may come to buy.
#[derive(Clone, Debug, PartialEq)]
pub struct Opportunity {
    /// Its id.
    pub id: RecordId,
    /// When the device says it was created.
    pub created_at: Option<UnixMs>,
    /// Who created it; the author of the creating change.
    pub created_by: Option<UserId>,
    /// Who would buy.
    pub organization_id: Option<RecordId>,
    /// What the deal is called.
    pub name: Option<String>,
    /// Such as new placement, reorder, menu change.
    pub opportunity_type: Option<String>,
    /// Where it came from.
    pub lead_source: Option<String>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When they mean to decide.
    pub decision_timeline: Option<String>,
    /// The rep's own estimate, in percent.
    pub probability_override: Option<i64>,
    /// Expected volume.
    pub cases_per_week: Option<i64>,
    /// When it should close.
    pub estimated_close_date: Option<Date>,
    /// What it is worth; while contested, the lower is shown.
    pub estimated_value: Option<EstimatedValue>,
    /// Whose product.
    pub principal_organization_id: Option<RecordId>,
    /// Who would deliver.
    pub distributor_organization_id: Option<RecordId>,
    /// Column `stage`, from `stage_log`.
    pub stage: Option<Stage>,
    /// Column `stage_entered_at`, from `stage_log`.
    pub stage_entered_at: Option<UnixMs>,
    /// Column `stage_disputed`, from `stage_log`.
    pub stage_disputed: bool,
    /// Column `close_reason`, from `stage_log`.
    pub close_reason: Option<String>,
    /// Column `actual_close_date`, from `stage_log`.
    pub actual_close_date: Option<Date>,
    /// They have the money.
    pub budget_confirmed: Option<bool>,
    /// We speak to who decides.
    pub authority_confirmed: Option<bool>,
    /// They need it.
    pub need_confirmed: Option<bool>,
    /// They said when.
    pub timeline_confirmed: Option<bool>,
    /// Whether and when a proposal was handed in.
    pub proposal: Option<Proposal>,
    /// What happens next, and when.
    pub next_action: Option<NextAction>,
    /// The deal in words.
    pub description: Option<String>,
    /// Who else is bidding.
    pub competitor_info: Option<String>,
    /// What they will judge by.
    pub decision_criteria: Option<String>,
    /// What to do differently.
    pub lessons_learned: Option<String>,
    /// People involved.
    pub contacts: Vec<RecordId>,
    /// Column `user_id`, from `owner`.
    pub user_id: Option<UserId>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Further values by name, for a customer's own needs.
    pub custom_fields: BTreeMap<String, String>,
    /// Column `is_deleted`, from `life`.
    pub is_deleted: bool,
    /// Column `deleted_at`, from `life`.
    pub deleted_at: Option<UnixMs>,
    /// Column `probability`, computed.
    pub probability: Option<i64>,
    /// Column `weighted_value_minor`, computed.
    pub weighted_value_minor: Option<i64>,
    /// Column `updated_at`, computed.
    pub updated_at: Option<UnixMs>,
    /// Column `updated_by`, computed.
    pub updated_by: Option<UserId>,
    /// Column `conflict_count`, computed.
    pub conflict_count: i64,
    /// Column `violation_count`, computed.
    pub violation_count: i64,
}

impl Record for Opportunity {
    const KIND: &'static str = "opportunity";
    type Field = OpportunityField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            created_at: row.moment("created_at"),
            created_by: row.parsed("created_by"),
            organization_id: row.parsed("organization_id"),
            name: row.text("name"),
            opportunity_type: row.text("opportunity_type"),
            lead_source: row.text("lead_source"),
            priority: row.parsed("priority"),
            decision_timeline: row.text("decision_timeline"),
            probability_override: row.int("probability_override"),
            cases_per_week: row.int("cases_per_week"),
            estimated_close_date: row.parsed("estimated_close_date"),
            estimated_value: EstimatedValue::from_row(row, "estimated_value"),
            principal_organization_id: row.parsed("principal_organization_id"),
            distributor_organization_id: row.parsed("distributor_organization_id"),
            stage: row.parsed("stage"),
            stage_entered_at: row.moment("stage_entered_at"),
            stage_disputed: row.flag("stage_disputed").unwrap_or_default(),
            close_reason: row.text("close_reason"),
            actual_close_date: row.parsed("actual_close_date"),
            budget_confirmed: row.flag("budget_confirmed"),
            authority_confirmed: row.flag("authority_confirmed"),
            need_confirmed: row.flag("need_confirmed"),
            timeline_confirmed: row.flag("timeline_confirmed"),
            proposal: Proposal::from_row(row, "proposal"),
            next_action: NextAction::from_row(row, "next_action"),
            description: row.text("description"),
            competitor_info: row.text("competitor_info"),
            decision_criteria: row.text("decision_criteria"),
            lessons_learned: row.text("lessons_learned"),
            contacts: row.keys("contacts"),
            user_id: row.parsed("user_id"),
            tags: row.keys("tags"),
            custom_fields: row.entries("custom_fields"),
            is_deleted: row.flag("is_deleted").unwrap_or_default(),
            deleted_at: row.moment("deleted_at"),
            probability: row.int("probability"),
            weighted_value_minor: row.int("weighted_value_minor"),
            updated_at: row.moment("updated_at"),
            updated_by: row.parsed("updated_by"),
            conflict_count: row.int("conflict_count").unwrap_or_default(),
            violation_count: row.int("violation_count").unwrap_or_default(),
        })
    }
}

field_names! {
    /// A field of [`Opportunity`].
    OpportunityField {
        /// When the device says it was created.
        CreatedAt = "created_at",
        /// Who created it; the author of the creating change.
        CreatedBy = "created_by",
        /// Who would buy.
        OrganizationId = "organization_id",
        /// What the deal is called.
        Name = "name",
        /// Such as new placement, reorder, menu change.
        OpportunityType = "opportunity_type",
        /// Where it came from.
        LeadSource = "lead_source",
        /// How urgent it is.
        Priority = "priority",
        /// When they mean to decide.
        DecisionTimeline = "decision_timeline",
        /// The rep's own estimate, in percent.
        ProbabilityOverride = "probability_override",
        /// Expected volume.
        CasesPerWeek = "cases_per_week",
        /// When it should close.
        EstimatedCloseDate = "estimated_close_date",
        /// What it is worth; while contested, the lower is shown.
        EstimatedValue = "estimated_value",
        /// Whose product.
        PrincipalOrganizationId = "principal_organization_id",
        /// Who would deliver.
        DistributorOrganizationId = "distributor_organization_id",
        /// Every move from stage to stage.
        StageLog = "stage_log",
        /// They have the money.
        BudgetConfirmed = "budget_confirmed",
        /// We speak to who decides.
        AuthorityConfirmed = "authority_confirmed",
        /// They need it.
        NeedConfirmed = "need_confirmed",
        /// They said when.
        TimelineConfirmed = "timeline_confirmed",
        /// Whether and when a proposal was handed in.
        Proposal = "proposal",
        /// What happens next, and when.
        NextAction = "next_action",
        /// The deal in words.
        Description = "description",
        /// Who else is bidding.
        CompetitorInfo = "competitor_info",
        /// What they will judge by.
        DecisionCriteria = "decision_criteria",
        /// What to do differently.
        LessonsLearned = "lessons_learned",
        /// People involved.
        Contacts = "contacts",
        /// Whose deal it is; at first its creator's.
        Owner = "owner",
        /// Free labels.
        Tags = "tags",
        /// Further values by name, for a customer's own needs.
        CustomFields = "custom_fields",
        /// Tombstones and restores; a record is never removed.
        Life = "life",
    }
}

/// Why an edit of a record of this kind was not made.
pub type OpportunityError = RecordError<OpportunityField>;

/// What is to change in a record of this kind.
pub type OpportunityEdit = Edit<Opportunity>;

impl Edit<Opportunity> {
    /// When the device says it was created.
    pub fn created_at(self, value: UnixMs) -> Self {
        self.set(OpportunityField::CreatedAt, value.0)
    }

    /// Who created it; the author of the creating change.
    pub fn created_by(self, value: UserId) -> Self {
        self.set(OpportunityField::CreatedBy, value.to_string())
    }

    /// Who would buy.
    pub fn organization_id(self, value: RecordId) -> Self {
        self.set(OpportunityField::OrganizationId, value.to_string())
    }

    /// What the deal is called.
    pub fn name(self, value: impl Into<String>) -> Self {
        self.set(OpportunityField::Name, value.into())
    }

    /// Such as new placement, reorder, menu change.
    pub fn opportunity_type(self, value: impl Into<String>) -> Self {
        self.set(OpportunityField::OpportunityType, value.into())
    }

    /// Where it came from.
    pub fn lead_source(self, value: impl Into<String>) -> Self {
        self.set(OpportunityField::LeadSource, value.into())
    }

    /// How urgent it is.
    pub fn priority(self, value: Priority) -> Self {
        self.set(OpportunityField::Priority, value.as_str())
    }

    /// When they mean to decide.
    pub fn decision_timeline(self, value: impl Into<String>) -> Self {
        self.set(OpportunityField::DecisionTimeline, value.into())
    }

    /// The rep's own estimate, in percent.
    pub fn probability_override(self, value: i64) -> Self {
        self.set(OpportunityField::ProbabilityOverride, value)
    }

    /// Expected volume.
    pub fn cases_per_week(self, value: i64) -> Self {
        self.set(OpportunityField::CasesPerWeek, value)
    }

    /// When it should close.
    pub fn estimated_close_date(self, value: Date) -> Self {
        self.set(OpportunityField::EstimatedCloseDate, day(value))
    }

    /// What it is worth; while contested, the lower is shown.
    pub fn estimated_value(self, value: EstimatedValue) -> Self {
        self.set(OpportunityField::EstimatedValue, value.to_json())
    }

    /// Whose product.
    pub fn principal_organization_id(self, value: RecordId) -> Self {
        self.set(OpportunityField::PrincipalOrganizationId, value.to_string())
    }

    /// Who would deliver.
    pub fn distributor_organization_id(self, value: RecordId) -> Self {
        self.set(OpportunityField::DistributorOrganizationId, value.to_string())
    }

    /// Every move from stage to stage.
    pub fn stage(self, stage: Stage) -> Self {
        self.event(OpportunityField::StageLog, "stage", stage.to_string())
    }

    /// Closes the deal for a reason.
    pub fn closed(self, stage: Stage, reason: &str) -> Self {
        self.event(OpportunityField::StageLog, "stage", format!("{stage}: {reason}"))
    }

    /// They have the money.
    pub fn budget_confirmed(self, value: bool) -> Self {
        self.set(OpportunityField::BudgetConfirmed, value)
    }

    /// We speak to who decides.
    pub fn authority_confirmed(self, value: bool) -> Self {
        self.set(OpportunityField::AuthorityConfirmed, value)
    }

    /// They need it.
    pub fn need_confirmed(self, value: bool) -> Self {
        self.set(OpportunityField::NeedConfirmed, value)
    }

    /// They said when.
    pub fn timeline_confirmed(self, value: bool) -> Self {
        self.set(OpportunityField::TimelineConfirmed, value)
    }

    /// Whether and when a proposal was handed in.
    pub fn proposal(self, value: Proposal) -> Self {
        self.set(OpportunityField::Proposal, value.to_json())
    }

    /// What happens next, and when.
    pub fn next_action(self, value: NextAction) -> Self {
        self.set(OpportunityField::NextAction, value.to_json())
    }

    /// The deal in words.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.long_text(OpportunityField::Description, text.into())
    }

    /// Who else is bidding.
    pub fn competitor_info(self, text: impl Into<String>) -> Self {
        self.long_text(OpportunityField::CompetitorInfo, text.into())
    }

    /// What they will judge by.
    pub fn decision_criteria(self, text: impl Into<String>) -> Self {
        self.long_text(OpportunityField::DecisionCriteria, text.into())
    }

    /// What to do differently.
    pub fn lessons_learned(self, text: impl Into<String>) -> Self {
        self.long_text(OpportunityField::LessonsLearned, text.into())
    }

    /// People involved.
    pub fn add_to_contacts(self, key: RecordId) -> Self {
        self.add(OpportunityField::Contacts, key.to_string())
    }

    /// Takes one away again.
    pub fn remove_from_contacts(self, key: RecordId) -> Self {
        self.remove(OpportunityField::Contacts, key.to_string())
    }

    /// Free labels.
    pub fn add_to_tags(self, key: impl Into<String>) -> Self {
        self.add(OpportunityField::Tags, key.into())
    }

    /// Takes one away again.
    pub fn remove_from_tags(self, key: impl Into<String>) -> Self {
        self.remove(OpportunityField::Tags, key.into())
    }

    /// Further values by name, for a customer's own needs.
    pub fn set_in_custom_fields(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.entry(OpportunityField::CustomFields, name.into(), Some(value.into()))
    }

    /// Takes one away again.
    pub fn remove_from_custom_fields(self, name: impl Into<String>) -> Self {
        self.entry(OpportunityField::CustomFields, name.into(), None)
    }
}
