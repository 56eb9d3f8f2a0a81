//! The trade: which records a food-service CRM keeps, and how each is declared.
//!
//! One file a kind. The engine is given these declarations as a value and knows none of their words.

mod common;
mod contact;
mod interaction;
mod logs;
mod opportunity;
mod organization;
mod organization_finance;
mod reports;
mod server_data;
mod task;

use std::sync::{Arc, OnceLock};

pub use logs::{STAGES, STATUSES};
pub use reports::REPORTS;

use crate::schema::{KindDeclaration, Schema};

/// Every kind of the CRM as it is declared, in an order in which parents come before children.
pub fn declarations() -> Vec<KindDeclaration> {
    vec![
        server_data::territory(),
        server_data::user(),
        organization::organization(),
        organization_finance::organization_finance(),
        contact::contact(),
        opportunity::opportunity(),
        interaction::interaction(),
        task::task(),
    ]
}

/// The CRM's schema.
pub fn schema() -> Arc<Schema> {
    static SCHEMA: OnceLock<Arc<Schema>> = OnceLock::new();
    // Made once, since declaring costs a millisecond: a convenience of hosts, not a global of the
    // engine, which sees only the value.
    SCHEMA.get_or_init(|| Schema::with_reports(declarations(), REPORTS)).clone()
}
