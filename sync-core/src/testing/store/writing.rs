//! What changes in the store, and what that changes of who sees what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Accepted, Access, Contents, Move, StoredDocument, Transaction};
use crate::hub::{DocumentToStore, Placed, ToStore};
use crate::ids::{FeedPosition, RecordId, ReplicaId, ScopeId, UserId};
use crate::testing::rules::{Rules, ServerRecord};

impl Transaction {
    /// Writes a row that only the server writes, at the next position.
    pub fn put_server_record(&mut self, record: &ServerRecord) {
        let row = Arc::new(self.contents.server_row(record));
        let at = FeedPosition(self.contents.head.0 + 1);
        self.contents.head = at;
        let kind = self.contents.records.kind(record.kind).clone();
        self.contents.records.put(&kind, record.id, row);
        self.contents.server_rows.insert(record.id, (kind.index(), at));
        // A change of what a person is counts at once: nothing of before is excused.
        self.contents.records.forget_losses(UserId(record.id.0));
        let before = self.look_anew();
        let now = self.contents.visible.clone();
        let mut access = Vec::new();
        for (user, seen) in &now {
            if before.get(user).is_some_and(|before| before != seen) || !before.contains_key(user) {
                let reason = "Your access was changed.";
                access.push(Access { position: at, user: *user, scope: None, reason });
            }
        }
        Arc::make_mut(&mut self.contents.access).extend(access);
    }

    /// Notes whose a device is; says whether it is this user's.
    pub fn note_device(&mut self, user: UserId, replica: ReplicaId) -> bool {
        *self.contents.devices.entry(replica).or_insert(user) == user
    }

    /// Stores what a batch came to. The rows were written when it was judged.
    pub fn store(&mut self, batch: &ToStore<'_>) {
        self.store_but(batch, None);
    }

    /// Stores a batch but for one record: a bug made on purpose.
    pub(in crate::testing) fn store_but(&mut self, batch: &ToStore<'_>, but: Option<RecordId>) {
        for (record, why) in batch.closed {
            if let Some(document) = self.contents.documents.get_mut(record) {
                Arc::make_mut(document).closed = Some(why.clone());
            }
        }
        let Some(head) = batch.head() else { return };
        let first = FeedPosition(self.contents.head.0 + 1);
        for placed in batch.placed.iter().filter(|one| Some(one.change.record) != but) {
            self.append(placed);
        }
        let mut began = BTreeSet::new();
        let documents = batch.documents.iter();
        for document in documents.filter(|one| Some(one.projected.record) != but) {
            if self.put_document(document) {
                began.insert(document.projected.record);
            }
        }
        for (user, more) in batch.used() {
            let used = self.contents.used.entry(user).or_default();
            *used = used.and(more);
        }
        self.contents.head = head;
        self.note_access(first, &began);
        self.note_unseen(batch.placed, &began);
    }

    fn append(&mut self, placed: &Placed) {
        let Placed { change, author, position, receipt, .. } = placed;
        self.contents.owners.entry(change.actor).or_insert(*author);
        let (change, author) = (change.clone(), *author);
        let (hash, position, receipt) = (change.hash, *position, *receipt);
        let accepted = Accepted { change, author, position, receipt };
        self.contents.changes.insert(hash, Arc::new(accepted));
    }

    /// Puts a document in place; says whether it began.
    fn put_document(&mut self, document: &DocumentToStore<'_>) -> bool {
        let DocumentToStore { projected, snapshot, position, ref receipts } = *document;
        let before = self.contents.documents.get(&projected.record).cloned();
        let began = match &before {
            Some(before) if before.scope == projected.scope => before.began,
            // To those who see only the new scope, the record begins here.
            _ => position,
        };
        if let Some(before) = &before
            && before.scope != projected.scope
        {
            let (record, from) = (projected.record, before.scope);
            Arc::make_mut(&mut self.contents.moves).push(Move { position, record, from });
        }
        let stored = StoredDocument {
            kind: projected.kind.name,
            scope: projected.scope,
            snapshot: snapshot.to_vec(),
            receipts: receipts.clone(),
            position,
            began,
            closed: None,
        };
        self.contents.documents.insert(projected.record, Arc::new(stored));
        before.is_none()
    }

    /// Writes down who gained or lost sight of what. A scope that just began is no news, unless
    /// something hung from it before.
    fn note_access(&mut self, at: FeedPosition, began: &BTreeSet<RecordId>) {
        let before = self.look_anew();
        let fresh = |scope: &ScopeId, contents: &Contents| {
            let hangs = |(id, document): (&RecordId, &Arc<StoredDocument>)| {
                document.scope == *scope && !began.contains(id)
            };
            !contents.documents.iter().any(hangs)
        };
        let none = BTreeSet::new();
        let mut access = Vec::new();
        let mut lost = Vec::new();
        for (user, now) in &self.contents.visible {
            let before = before.get(user).unwrap_or(&none);
            for scope in now.difference(before).filter(|one| !fresh(one, &self.contents)) {
                let reason = "It is yours to see from now on.";
                access.push(Access { position: at, user: *user, scope: Some(*scope), reason });
            }
            for scope in before.difference(now) {
                let reason = "It was given to somebody else.";
                access.push(Access { position: at, user: *user, scope: Some(*scope), reason });
                lost.push((*user, *scope));
            }
        }
        for (user, scope) in lost {
            self.contents.records.note_loss(user, scope, at);
        }
        Arc::make_mut(&mut self.contents.access).extend(access);
    }

    /// Has a device erase what its user began and does not see.
    fn note_unseen(&mut self, placed: &[Placed], began: &BTreeSet<RecordId>) {
        let mut moves = Vec::new();
        for Placed { change, author, position, .. } in placed {
            let Some(document) = self.contents.documents.get(&change.record) else { continue };
            if began.contains(&change.record) && !self.contents.sees(*author, document.scope) {
                let from = ScopeId(author.0);
                moves.push(Move { position: *position, record: change.record, from });
            }
        }
        Arc::make_mut(&mut self.contents.moves).extend(moves);
    }

    /// Finds out anew who sees what; returns what it was.
    fn look_anew(&mut self) -> BTreeMap<UserId, BTreeSet<ScopeId>> {
        let now = visible(&*self.rules, &self.contents);
        std::mem::replace(&mut self.contents.visible, now)
    }
}

/// Scopes that each active user sees, of those from which anything hangs.
fn visible(rules: &dyn Rules, contents: &Contents) -> BTreeMap<UserId, BTreeSet<ScopeId>> {
    let records = &contents.records;
    let scopes: BTreeSet<ScopeId> = contents.documents.values().map(|one| one.scope).collect();
    let of_user = |user: UserId| {
        let mut seen: BTreeSet<ScopeId> =
            scopes.iter().copied().filter(|scope| rules.sees(records, user, *scope)).collect();
        seen.extend([ScopeId::EVERYONE, ScopeId(user.0)]);
        (user, seen)
    };
    let people = rules.people(records).into_iter();
    people.filter(|user| rules.is_active(records, *user)).map(of_user).collect()
}
