//! An account: a prospect, customer, principal or distributor.

use super::common::*;
use super::logs;
use crate::schema::*;

pub(super) fn organization() -> KindDeclaration {
    KindDeclaration {
        name: "organization",
        table: "organizations",
        scope: Scope::Itself,
        storage: Storage::Document,
        doc: said(
            "A company: somebody to sell to (prospect, customer), to sell for (principal), or who delivers (distributor).",
        ),
        title: Some("name"),
        subtitle: Some("coalesce(shipping_address_city, billing_address_city)"),
        alike: Some(Alike {
            name: "name",
            phones: "phones",
            postal_codes: &["shipping_address_postal_code", "billing_address_postal_code"],
            position: ("location_lat", "location_lng"),
            replaced: "merged_into",
        }),
        fields: with_common![
        text("name", 255).required().searchable().doc("What the company is called."),
        choice("organization_type", &["prospect", "customer", "principal", "distributor"])
            .default("prospect")
            .doc("Its part in the trade."),
        text("industry_segment", 100).doc("Such as schools, hospitals, fine dining."),
        text("business_type", 100).doc("Such as independent, chain, institution."),
        text("cuisine", 100).searchable().doc("What is cooked there."),
        text("website", 2048).doc("Address of its web site."),
        int("employee_count", 0, 10_000_000).doc("People employed."),
        whole("account_status", ACCOUNT_STATUS).doc("State of the relation, with the reason."),
        choice("priority_level", &["A", "B", "C", "D"])
            .pg_enum("priority_level")
            .rule(Rule::RegisterHigherWins)
            .default("C")
            .doc("How often to visit; while contested, the higher."),
        whole("billing_address", ADDRESS).doc("Where invoices go."),
        whole("shipping_address", ADDRESS).doc("Where goods go."),
        whole("location", POSITION).doc("Where it stands."),
        link("parent_organization_id", "organization").doc("The company it belongs to."),
        set("phones", SetOf::Phones).searchable().doc("Telephone numbers."),
        set("emails", SetOf::Emails).searchable().doc("E-mail addresses."),
        set("distributors", SetOf::Ids).doc("Organizations that deliver to it."),
        set("principals", SetOf::Ids).doc("Organizations whose products it buys."),
        link("primary_contact_id", "contact").doc("Whom to ask for."),
        long_text("notes").doc("Whatever is worth knowing."),
        log("assignment", &logs::ASSIGNMENT).server_only().doc(
            "Who looks after it, and in which territory; until a manager assigns it, its creator."
        ),
        link("merged_into", "organization").server_only().doc("The record that replaces it."),
        flag("needs_review").doc("Created in the field and not yet looked at."),
    ],
        derived: vec![],
    }
}
