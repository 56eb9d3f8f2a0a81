//! Worlds in one process, for people who test on top of the engine: devices on real files, a network,
//! and a server whose store is a few maps, all in virtual time and all from one seed.
//!
//! The devices are [`crate::replica`] and the server is [`crate::hub`], unchanged: a simulation is a
//! second host and no second engine.

pub mod apiary;
mod bug;
mod check;
pub mod conformance;
mod connection;
mod counted;
pub mod crm;
mod device;
mod doom;
mod edits;
mod fault;
mod files;
mod happening;
mod journal;
mod next_version;
mod plan;
mod planner;
mod records;
mod report;
mod rules;
mod server;
mod simulation;
mod store;
mod timeline;
mod trade;
mod world;
mod writers;

pub use crate::random::Random;
pub use bug::Bug;
pub use counted::{Counted, NOW, session_limits};
pub use device::DeviceId;
pub use doom::{DIES_AT, Doom};
pub use edits::{Drawn, Edits};
pub use fault::FaultPoint;
pub use next_version::{Place, Retired, added, next_version};
pub use plan::{Deed, Line, Plan, PlanError, Version};
pub use planner::draw as plan_of;
pub use records::Records;
pub use report::Report;
pub use rules::{Rules, ServerRecord, ServerStep, Writing};
pub use simulation::{Failure, Outcome, run, run_seed, shorten};
pub use store::{Accepted, Contents, ModelStore, StoredDocument, Transaction};
pub use trade::Trade;
pub use world::World;
pub use writers::Writers;
