//! An account's money matters.
//!
//! A document of its own, because a document shares all its history with whoever holds it: a field
//! of the account's document could not be kept from the rep who looks after the account.

use super::common::*;
use crate::schema::*;

pub(super) fn organization_finance() -> KindDeclaration {
    KindDeclaration {
        name: "organization_finance",
        table: "organization_finance",
        // Not the account's, which would show it to everybody who sees the account.
        scope: Scope::Itself,
        storage: Storage::Document,
        doc: said(
            "What an account earns, owes and how it pays; for the managers who see the account, and administrators.",
        ),
        title: None,
        subtitle: None,
        alike: None,
        fields: with_common![
            link("organization_id", "organization").immutable().required().doc("Whose finances."),
            whole("annual_revenue", MONEY)
                .rule(Rule::WholeLowerShown)
                .doc("What it turns over in a year; while contested, the lower is shown."),
            whole("credit_limit", MONEY)
                .rule(Rule::WholeLowerShown)
                .doc("How much it may owe; while contested, the lower is shown."),
            choice(
                "payment_terms",
                &["net_30", "net_60", "net_90", "cod", "prepaid", "2_10_net_30"]
            )
            .doc("When it pays; 2_10_net_30 is 2 % off within ten days, else thirty."),
            text("tax_id", 50).doc("Its number with the tax office."),
        ],
        derived: vec![],
    }
}
