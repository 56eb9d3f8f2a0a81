//! A user's feed read without a session around it.

use sqlx::postgres::PgPool;
use sync_core::crm;
use sync_core::hub::{self, Next};
use sync_core::ids::{ChangeHash, FeedPosition, RecordId, UserId};
use sync_core::protocol::FeedBatch;
use sync_server::store::feed::FeedReader;

pub(crate) struct Feed {
    user: UserId,
    feed: hub::Feed,
    reader: FeedReader,
}

impl Feed {
    /// A feed of a replica that has nothing; like one whose connection begins now.
    pub(crate) async fn open(pool: &PgPool, user: UserId) -> Self {
        let reader = FeedReader::new(pool.clone(), crm::schema());
        Self { user, feed: hub::Feed::new(None), reader }
    }

    pub(crate) fn note_own(&mut self, position: FeedPosition) {
        self.feed.note_own(position);
    }

    pub(crate) fn fetch(&mut self, records: impl IntoIterator<Item = RecordId>) {
        self.feed.fetch(records.into_iter().collect()).unwrap();
    }

    /// The next batch; none when the replica has everything there is.
    pub(crate) async fn next(&mut self, in_flight: &[ChangeHash]) -> Option<FeedBatch> {
        let mut request = self.feed.read(in_flight.to_vec(), usize::MAX);
        loop {
            let answer = self.reader.answer(self.user, &request).await.unwrap();
            match self.feed.answer(answer) {
                Next::Ask(next) => request = next,
                Next::Send(batch) => {
                    self.reader.close().await.unwrap();
                    return Some(*batch);
                }
                Next::Silent => {
                    self.reader.close().await.unwrap();
                    return None;
                }
                Next::Disabled => panic!("the user is no longer active"),
                Next::AnotherLife => panic!("the database was restored"),
            }
        }
    }
}
