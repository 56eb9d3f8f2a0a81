//! The trades that plans know by name.

use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use super::apiary::{self, ApiaryRules};
use super::crm::CrmRules;
use super::next_version::{Retired, next_version};
use super::plan::Version;
use super::rules::Rules;
use crate::crm;
use crate::schema::{KindDeclaration, Schema};

/// A trade that plans know by name.
#[derive(Clone, Debug)]
pub struct Trade {
    /// Its name.
    pub name: &'static str,
    present: Arc<Schema>,
    later: Arc<Schema>,
    /// Its rules.
    pub rules: Rc<dyn Rules>,
}

impl Trade {
    /// The names of all trades.
    pub const NAMES: &'static [&'static str] = &["crm", "apiary"];

    /// Finds a trade.
    pub fn named(name: &str) -> Option<Self> {
        // Declaring takes longer than many a run.
        static CRM: OnceLock<[Arc<Schema>; 2]> = OnceLock::new();
        static APIARY: OnceLock<[Arc<Schema>; 2]> = OnceLock::new();
        let both = |declare: fn() -> Vec<KindDeclaration>, retired: &[Retired<'_>]| {
            [Schema::new(declare()), Schema::new(next_version(declare(), retired))]
        };
        let (name, [present, later], rules): (_, _, Rc<dyn Rules>) = match name {
            "crm" => {
                let retired = [("organization", "website"), ("contact", "department")];
                let schemas = CRM.get_or_init(|| both(crm::declarations, &retired));
                ("crm", schemas, Rc::new(CrmRules))
            }
            "apiary" => {
                let retired = [("inspection", "hive_id"), ("yard", "forage")];
                let schemas = APIARY.get_or_init(|| both(apiary::declarations, &retired));
                ("apiary", schemas, Rc::new(ApiaryRules))
            }
            _ => return None,
        };
        Some(Self { name, present: present.clone(), later: later.clone(), rules })
    }

    /// Its schema in a version.
    pub fn schema(&self, version: Version) -> Arc<Schema> {
        match version {
            Version::Present => self.present.clone(),
            Version::Later => self.later.clone(),
        }
    }
}
