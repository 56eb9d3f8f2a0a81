//! Every kind of record as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

mod values;

pub use values::*;

use crate::{Client, Records};

mod territory;
pub use territory::*;

mod user;
pub use user::*;

mod organization;
pub use organization::*;

mod organization_finance;
pub use organization_finance::*;

mod contact;
pub use contact::*;

mod opportunity;
pub use opportunity::*;

mod interaction;
pub use interaction::*;

mod task;
pub use task::*;

impl Client {
    /// A sales region; territories form a tree.
    pub fn territories(&self) -> Records<'_, Territory> {
        self.records()
    }

    /// A person with an account; names are visible to colleagues, nothing else is.
    pub fn users(&self) -> Records<'_, User> {
        self.records()
    }

    /// A company: somebody to sell to (prospect, customer), to sell for (principal), or who delivers (distributor).
    pub fn organizations(&self) -> Records<'_, Organization> {
        self.records()
    }

    /// What an account earns, owes and how it pays; for the managers who see the account, and administrators.
    pub fn organization_finance(&self) -> Records<'_, OrganizationFinance> {
        self.records()
    }

    /// A person who works at an organization.
    pub fn contacts(&self) -> Records<'_, Contact> {
        self.records()
    }

    /// A deal: something an organization may come to buy.
    pub fn opportunities(&self) -> Records<'_, Opportunity> {
        self.records()
    }

    /// A call, visit, meeting or other contact with an organization.
    pub fn interactions(&self) -> Records<'_, Interaction> {
        self.records()
    }

    /// A follow-up or another thing to do.
    pub fn tasks(&self) -> Records<'_, Task> {
        self.records()
    }
}
