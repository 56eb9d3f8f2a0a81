//! Values that fields take: choices, and values of several parts.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

use jiff::civil::Date;
use serde_json::{Value as Json, json};

use crate::record::{Row, choice, day};

choice! {
    /// Part `value` of [`AccountStatus`].
    AccountStatusValue {
        Active = "active",
        Inactive = "inactive",
        OnHold = "on_hold",
        Lost = "lost",
    }
}

choice! {
    /// Whether it took place.
    InteractionStatus {
        Scheduled = "scheduled",
        Cancelled = "cancelled",
        NoShow = "no_show",
        Completed = "completed",
    }
}

choice! {
    /// What it was.
    InteractionType {
        Call = "CALL",
        Email = "EMAIL",
        Meeting = "MEETING",
        Visit = "VISIT",
        Demo = "DEMO",
        Proposal = "PROPOSAL",
        FollowUp = "FOLLOW_UP",
        Sample = "SAMPLE",
    }
}

choice! {
    /// Its part in the trade.
    OrganizationType {
        Prospect = "prospect",
        Customer = "customer",
        Principal = "principal",
        Distributor = "distributor",
    }
}

choice! {
    /// When it pays; 2_10_net_30 is 2 % off within ten days, else thirty.
    PaymentTerms {
        Net30 = "net_30",
        Net60 = "net_60",
        Net90 = "net_90",
        Cod = "cod",
        Prepaid = "prepaid",
        N210Net30 = "2_10_net_30",
    }
}

choice! {
    /// How they like to be reached.
    PreferredContactMethod {
        Phone = "phone",
        Email = "email",
        Text = "text",
        InPerson = "in_person",
    }
}

choice! {
    /// How urgent it is.
    Priority {
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}

choice! {
    /// How often to visit; while contested, the higher.
    PriorityLevel {
        A = "A",
        B = "B",
        C = "C",
        D = "D",
    }
}

choice! {
    /// Part `submitted` of [`Proposal`].
    ProposalSubmitted {
        Yes = "yes",
        No = "no",
    }
}

choice! {
    /// Where a deal stands.
    Stage {
        Prospecting = "prospecting",
        Qualification = "qualification",
        Proposal = "proposal",
        Negotiation = "negotiation",
        ClosedLost = "closed-lost",
        ClosedWon = "closed-won",
    }
}

choice! {
    /// What sort of thing it is.
    TaskType {
        FollowUp = "follow_up",
        Call = "call",
        Email = "email",
        Visit = "visit",
        Sample = "sample",
    }
}

/// State of the relation, with the reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountStatus {
    /// Part `value`.
    pub value: Option<AccountStatusValue>,
    /// Part `reason`.
    pub reason: Option<String>,
}

impl AccountStatus {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            value: row.parsed(&format!("{field}_value")),
            reason: row.text(&format!("{field}_reason")),
        };
        let empty = value.value.is_none() && value.reason.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "value": self.value.as_ref().map(|word| word.as_str()),
            "reason": self.reason,
        })
    }
}

/// What it turns over in a year; while contested, the lower is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnualRevenue {
    /// Part `minor`.
    pub minor: Option<i64>,
    /// Part `currency`.
    pub currency: Option<String>,
}

impl AnnualRevenue {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            minor: row.int(&format!("{field}_minor")),
            currency: row.text(&format!("{field}_currency")),
        };
        let empty = value.minor.is_none() && value.currency.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "minor": self.minor,
            "currency": self.currency,
        })
    }
}

/// Where invoices go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BillingAddress {
    /// Part `street`.
    pub street: Option<String>,
    /// Part `city`.
    pub city: Option<String>,
    /// Part `state`.
    pub state: Option<String>,
    /// Part `postal_code`.
    pub postal_code: Option<String>,
    /// Part `country`.
    pub country: Option<String>,
}

impl BillingAddress {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            street: row.text(&format!("{field}_street")),
            city: row.text(&format!("{field}_city")),
            state: row.text(&format!("{field}_state")),
            postal_code: row.text(&format!("{field}_postal_code")),
            country: row.text(&format!("{field}_country")),
        };
        let empty = value.street.is_none() && value.city.is_none() && value.state.is_none() && value.postal_code.is_none() && value.country.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "street": self.street,
            "city": self.city,
            "state": self.state,
            "postal_code": self.postal_code,
            "country": self.country,
        })
    }
}

/// Arrival.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckIn {
    /// Part `at_ms`.
    pub at_ms: Option<i64>,
    /// Part `lat`.
    pub lat: Option<f64>,
    /// Part `lng`.
    pub lng: Option<f64>,
}

impl CheckIn {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            at_ms: row.int(&format!("{field}_at_ms")),
            lat: row.float(&format!("{field}_lat")),
            lng: row.float(&format!("{field}_lng")),
        };
        let empty = value.at_ms.is_none() && value.lat.is_none() && value.lng.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "at_ms": self.at_ms,
            "lat": self.lat,
            "lng": self.lng,
        })
    }
}

/// Departure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckOut {
    /// Part `at_ms`.
    pub at_ms: Option<i64>,
    /// Part `lat`.
    pub lat: Option<f64>,
    /// Part `lng`.
    pub lng: Option<f64>,
}

impl CheckOut {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            at_ms: row.int(&format!("{field}_at_ms")),
            lat: row.float(&format!("{field}_lat")),
            lng: row.float(&format!("{field}_lng")),
        };
        let empty = value.at_ms.is_none() && value.lat.is_none() && value.lng.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "at_ms": self.at_ms,
            "lat": self.lat,
            "lng": self.lng,
        })
    }
}

/// How much it may owe; while contested, the lower is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreditLimit {
    /// Part `minor`.
    pub minor: Option<i64>,
    /// Part `currency`.
    pub currency: Option<String>,
}

impl CreditLimit {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            minor: row.int(&format!("{field}_minor")),
            currency: row.text(&format!("{field}_currency")),
        };
        let empty = value.minor.is_none() && value.currency.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "minor": self.minor,
            "currency": self.currency,
        })
    }
}

/// What it is worth; while contested, the lower is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EstimatedValue {
    /// Part `minor`.
    pub minor: Option<i64>,
    /// Part `currency`.
    pub currency: Option<String>,
}

impl EstimatedValue {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            minor: row.int(&format!("{field}_minor")),
            currency: row.text(&format!("{field}_currency")),
        };
        let empty = value.minor.is_none() && value.currency.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "minor": self.minor,
            "currency": self.currency,
        })
    }
}

/// Where it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Location {
    /// Part `lat`.
    pub lat: Option<f64>,
    /// Part `lng`.
    pub lng: Option<f64>,
    /// Part `accuracy_m`.
    pub accuracy_m: Option<f64>,
}

impl Location {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            lat: row.float(&format!("{field}_lat")),
            lng: row.float(&format!("{field}_lng")),
            accuracy_m: row.float(&format!("{field}_accuracy_m")),
        };
        let empty = value.lat.is_none() && value.lng.is_none() && value.accuracy_m.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "lat": self.lat,
            "lng": self.lng,
            "accuracy_m": self.accuracy_m,
        })
    }
}

/// What happens next, and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NextAction {
    /// Part `what`.
    pub what: Option<String>,
    /// Part `date`.
    pub date: Option<Date>,
}

impl NextAction {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            what: row.text(&format!("{field}_what")),
            date: row.parsed(&format!("{field}_date")),
        };
        let empty = value.what.is_none() && value.date.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "what": self.what,
            "date": self.date.map(day),
        })
    }
}

/// Whether and when a proposal was handed in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposal {
    /// Part `submitted`.
    pub submitted: Option<ProposalSubmitted>,
    /// Part `date`.
    pub date: Option<Date>,
}

impl Proposal {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            submitted: row.parsed(&format!("{field}_submitted")),
            date: row.parsed(&format!("{field}_date")),
        };
        let empty = value.submitted.is_none() && value.date.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "submitted": self.submitted.as_ref().map(|word| word.as_str()),
            "date": self.date.map(day),
        })
    }
}

/// Where goods go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShippingAddress {
    /// Part `street`.
    pub street: Option<String>,
    /// Part `city`.
    pub city: Option<String>,
    /// Part `state`.
    pub state: Option<String>,
    /// Part `postal_code`.
    pub postal_code: Option<String>,
    /// Part `country`.
    pub country: Option<String>,
}

impl ShippingAddress {
    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {
        let value = Self {
            street: row.text(&format!("{field}_street")),
            city: row.text(&format!("{field}_city")),
            state: row.text(&format!("{field}_state")),
            postal_code: row.text(&format!("{field}_postal_code")),
            country: row.text(&format!("{field}_country")),
        };
        let empty = value.street.is_none() && value.city.is_none() && value.state.is_none() && value.postal_code.is_none() && value.country.is_none();
        (!empty).then_some(value)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "street": self.street,
            "city": self.city,
            "state": self.state,
            "postal_code": self.postal_code,
            "country": self.country,
        })
    }
}
