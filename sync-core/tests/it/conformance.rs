//! The model store does what every store must do.

use std::rc::Rc;

use sync_core::crm;
use sync_core::hub::{Commit, DocumentCache, Durable, Moments, Purpose};
use sync_core::ids::UserId;
use sync_core::testing::ModelStore;
use sync_core::testing::conformance::{Cast, Wanted, scenarios};
use sync_core::testing::crm::CrmRules;
use uuid::Uuid;

use crate::kit::NOW;

#[test]
fn the_model_store_conforms() {
    let [rep, other, manager] = [0x11, 0x12, 0x14].map(|n| UserId(Uuid::from_u128(n)));
    let mut store = ModelStore::new(crm::schema(), Rc::new(CrmRules));
    let mut cache = DocumentCache::default();
    for mut scenario in scenarios(Cast { rep, other, manager }) {
        while let Some(wanted) = scenario.next() {
            let heard = match wanted {
                Wanted::Push(job) => {
                    let jobs = [job.clone()];
                    let commit =
                        Commit::new(crm::schema(), &jobs, Purpose::Push, NOW, Moments::default());
                    let mut transaction = store.begin();
                    let judged = transaction.judge(Box::new(commit), &mut cache).unwrap();
                    let to_store = judged.to_store();
                    let head = to_store.head().unwrap_or_default();
                    transaction.store(&to_store);
                    store.commit(transaction);
                    let verdicts = judged.verdicts(Durable::committed_at(head), &mut cache);
                    scenario.pushed(&verdicts[0])
                }
                Wanted::Read { user, request } => {
                    let answer = store.answer(user, &request);
                    scenario.read(&answer)
                }
            };
            heard.unwrap();
        }
    }
}
