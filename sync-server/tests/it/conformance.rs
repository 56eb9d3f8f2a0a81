//! PostgreSQL does what every store must do.

use sync_core::ids::UserId;
use sync_core::testing::conformance::{Cast, Wanted, scenarios};
use sync_server::store::feed::FeedReader;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_conforms() {
    let world = World::new().await;
    let app = &world.server.app;
    let [rep, other, manager] = [world.rep, world.other_rep, world.manager].map(UserId);
    for mut scenario in scenarios(Cast { rep, other, manager }) {
        while let Some(wanted) = scenario.next() {
            let heard = match wanted {
                Wanted::Push(job) => {
                    let verdicts = app.committer.push(job.clone()).await.unwrap();
                    scenario.pushed(&verdicts)
                }
                Wanted::Read { user, request } => {
                    let mut reader = FeedReader::new(app.pool.clone(), app.schema.clone());
                    let answer = reader.answer(user, &request).await.unwrap();
                    reader.close().await.unwrap();
                    scenario.read(&answer)
                }
            };
            heard.unwrap();
        }
    }
    world.end().await;
}
