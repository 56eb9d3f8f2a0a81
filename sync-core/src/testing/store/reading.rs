//! Answers what a feed asks, as the user it is for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Contents, ModelStore, StoredDocument};
use crate::hub::{
    AccessEvent, Clock, Content, FeedAnswer, FeedDocument, FeedRequest, Listed, News, ServerRow,
    Since,
};
use crate::ids::{ChangeHash, FeedPosition, Receipt, RecordId, ScopeId, UserId};

impl ModelStore {
    /// Answers a question of a user's feed. Nothing is committed between the questions of one batch,
    /// which are therefore about one snapshot.
    pub fn answer(&self, user: UserId, request: &FeedRequest) -> FeedAnswer {
        let contents = &self.contents;
        match request {
            FeedRequest::Clock => FeedAnswer::Clock(Clock {
                head: contents.head,
                epoch: contents.epoch,
                active: self.is_active(user),
            }),
            FeedRequest::News { after, access_after } => {
                FeedAnswer::News(contents.news(user, *after, *access_after))
            }
            FeedRequest::Scopes => {
                let seen = contents.visible.get(&user);
                FeedAnswer::Scopes(seen.into_iter().flatten().copied().collect())
            }
            FeedRequest::List { scopes, records } => {
                FeedAnswer::Listed(contents.list(user, scopes, records))
            }
            FeedRequest::Documents { records, since } => {
                let found = records.iter().filter_map(|record| contents.read(user, *record, since));
                FeedAnswer::Documents(found.collect())
            }
        }
    }
}

impl Contents {
    fn news(&self, user: UserId, after: FeedPosition, access_after: FeedPosition) -> News {
        let mut access: BTreeMap<Option<ScopeId>, &'static str> = BTreeMap::new();
        for event in self.access.iter() {
            if event.user == user && event.position > access_after {
                access.insert(event.scope, event.reason);
            }
        }
        let event =
            |(scope, reason): (Option<ScopeId>, &str)| AccessEvent { scope, reason: reason.into() };
        let mut moved: BTreeSet<RecordId> = BTreeSet::new();
        for one in self.moves.iter() {
            let unseen = self.document_for(user, one.record).is_none();
            if one.position > access_after && self.sees(user, one.from) && unseen {
                moved.insert(one.record);
            }
        }
        let listed = self
            .documents
            .iter()
            .filter(|(_, document)| document.position > after && self.sees(user, document.scope));
        let mut changed: Vec<Listed> =
            listed.map(|(id, document)| list_one(*id, document)).collect();
        changed.sort_by_key(|listed| listed.position);
        News {
            server_rows: self.server_rows_after(after),
            access: access.into_iter().map(event).collect(),
            moved_away: moved.into_iter().collect(),
            changed,
        }
    }

    fn server_rows_after(&self, after: FeedPosition) -> Vec<ServerRow> {
        let mut found: Vec<ServerRow> = Vec::new();
        for (record, (index, position)) in &self.server_rows {
            let kind = &self.records.schema().kinds()[*index];
            let Some(cells) = self.records.cells(kind, *record) else { continue };
            if *position > after {
                let names = kind.columns().iter().map(|column| column.name.to_string());
                let fields = names.zip(cells.iter().cloned()).collect();
                let (record, position) = (*record, *position);
                found.push(ServerRow { position, record, kind: kind.name.to_owned(), fields });
            }
        }
        found
    }

    /// Documents of some scopes, then those of some ids, as far as the user sees them.
    fn list(&self, user: UserId, scopes: &[ScopeId], records: &[RecordId]) -> Vec<Listed> {
        let of_scopes = self.documents.iter().filter(|(_, document)| {
            scopes.contains(&document.scope) && self.sees(user, document.scope)
        });
        let of_ids = records.iter().filter_map(|record| {
            self.document_for(user, *record).map(|document| list_one(*record, document))
        });
        of_scopes.map(|(id, document)| list_one(*id, document)).chain(of_ids).collect()
    }

    fn read(&self, user: UserId, record: RecordId, since: &Since) -> Option<FeedDocument> {
        let document = self.document_for(user, record)?;
        let kind = self.records.kind(document.kind);
        let whole = || Content::Whole {
            snapshot: document.snapshot.clone(),
            receipts: document.receipts.clone(),
            row: self.records.cells(kind, record).map(|row| (**row).clone()),
        };
        let content = match since {
            Since::Beginning => whole(),
            Since::Position { after, own, in_flight } => {
                let position = |hash: &ChangeHash| self.changes.get(hash).map(|one| one.position);
                let in_flight = in_flight.iter().filter_map(position);
                let own: BTreeSet<FeedPosition> = own.iter().copied().chain(in_flight).collect();
                if document.began > *after && !own.contains(&document.began) {
                    whole()
                } else {
                    Content::Changes(self.changes_after(record, *after, &own))
                }
            }
        };
        let (kind, scope) = (document.kind.to_owned(), document.scope);
        Some(FeedDocument { record, kind, scope, content })
    }

    fn changes_after(
        &self,
        record: RecordId,
        after: FeedPosition,
        own: &BTreeSet<FeedPosition>,
    ) -> Vec<(Vec<u8>, Receipt)> {
        let of_record = self.changes.values().filter(|one| {
            one.change.record == record && one.position > after && !own.contains(&one.position)
        });
        let mut found: Vec<_> = of_record.collect();
        found.sort_by_key(|one| one.position);
        found.into_iter().map(|one| (one.change.bytes.clone(), one.receipt)).collect()
    }

    /// A document, if the user sees it.
    pub fn document_for(&self, user: UserId, record: RecordId) -> Option<&StoredDocument> {
        let document = self.documents.get(&record)?;
        self.sees(user, document.scope).then_some(&**document)
    }
}

fn list_one(record: RecordId, document: &StoredDocument) -> Listed {
    Listed { position: document.position, record, bytes: document.snapshot.len() }
}
