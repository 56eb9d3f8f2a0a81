//! A long text as the writer of a change saw it, and what the change does to it.
//!
//! Automerge trusts that an element it is told of is there: one that is not, or one that is of another
//! object, makes it panic or lose the operation. So every element is looked up in what was visible.

use std::collections::{HashMap, HashSet};

use automerge::legacy::{ElementId, Op, OpId, OpType};
use automerge::{
    ActorId, Automerge, ChangeHash as AutoHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue,
};

use super::refusals::bad_preds;
use super::values::beyond;
use crate::document::fit;
use crate::error::{Refusal, RefusalCode};
use crate::nul::holds_nul;

/// Long texts as the last change left them that was judged. The next change mostly builds on just that,
/// and reading a text takes as long as all that was ever written in it.
#[derive(Clone, Debug, Default)]
pub struct TextViews {
    /// What the texts are read at.
    heads: Vec<AutoHash>,
    views: HashMap<ObjId, TextView>,
    /// How often a text was read.
    read: usize,
}

impl TextViews {
    /// The view of a text at what a change builds on. When that is not all there is, it is for this
    /// change alone.
    pub(super) fn take(
        &mut self,
        doc: &Automerge,
        text: &ObjId,
        deps: Option<&[AutoHash]>,
        heads: &[AutoHash],
    ) -> TextView {
        let known =
            if deps.is_none() && self.heads == heads { self.views.remove(text) } else { None };
        known.unwrap_or_else(|| {
            self.read += 1;
            TextView::read(doc, text, deps)
        })
    }

    /// Keeps the views of texts that a change edited, as it leaves them; those of others stay true.
    pub(super) fn keep(
        &mut self,
        (before, after): (&[AutoHash], AutoHash),
        edited: HashMap<ObjId, TextView>,
    ) {
        if self.heads != before {
            self.views.clear();
        }
        self.heads = vec![after];
        for (text, mut view) in edited {
            view.advance();
            self.views.insert(text, view);
        }
    }

    /// How often a text was read so far.
    pub fn times_read(&self) -> usize {
        self.read
    }
}

/// The elements of one text.
#[derive(Clone, Debug)]
pub(super) struct TextView {
    /// What a character may be put after: seen by the writer or put in by this change.
    anchors: HashSet<OpId>,
    /// What this change took away.
    removed: HashSet<OpId>,
}

impl TextView {
    /// Reads a text as it was at the change's dependencies; `None` when those are all there is.
    pub(super) fn read(doc: &Automerge, text: &ObjId, deps: Option<&[AutoHash]>) -> Self {
        let seen = match deps {
            None => doc.list_range(text, ..),
            Some(deps) => doc.list_range_at(text, .., deps),
        };
        let anchors = seen.filter_map(|item| match item.id() {
            ObjId::Id(counter, actor, _) => Some(OpId::new(counter, &actor)),
            ObjId::Root => None,
        });
        Self { anchors: anchors.collect(), removed: HashSet::new() }
    }

    /// Judges one operation on the text; its own name comes with it.
    pub(super) fn check(
        &mut self,
        name: &str,
        element: &ElementId,
        op: &Op,
        (counter, actor): (u64, &ActorId),
    ) -> Result<(), Refusal> {
        match (&op.action, op.insert, element) {
            (OpType::Put(ScalarValue::Str(text)), true, element) if is_character(text) => {
                let known = match element {
                    ElementId::Head => true,
                    ElementId::Id(id) => self.anchors.contains(id),
                };
                if !known || !op.pred.is_empty() {
                    return Err(bad_preds());
                }
                self.anchors.insert(OpId::new(counter, actor));
                Ok(())
            }
            (OpType::Delete, false, ElementId::Id(id)) => {
                // What was put in by an insertion alone has that as its one value.
                let exact = op.pred.len() == 1 && op.pred.iter().all(|pred| pred == id);
                if !exact || !self.anchors.contains(id) || !self.removed.insert(id.clone()) {
                    return Err(bad_preds());
                }
                Ok(())
            }
            _ => Err(Refusal::new(
                RefusalCode::BadValue,
                format!("{} takes text only; update the app.", name),
            )),
        }
    }
}

impl TextView {
    /// The change is judged: the next one does not see what it took away.
    fn advance(&mut self) {
        for gone in self.removed.drain() {
            self.anchors.remove(&gone);
        }
    }
}

/// Judges the long texts of a record as a group of changes leaves them: on the way a text may be longer,
/// since what is moved is put in before it is taken away.
///
/// # Errors
/// Names the text that is too long.
pub fn lengths(doc: &Automerge) -> Result<(), Refusal> {
    for item in doc.map_range(ROOT, ..) {
        let id = item.id();
        if matches!(doc.object_type(&id), Ok(ObjType::Text)) {
            fit::length(&item.key, doc.length(&id)).map_err(beyond)?;
        }
    }
    Ok(())
}

/// Splicing writes one character an operation.
fn is_character(text: &str) -> bool {
    !holds_nul(text) && text.chars().count() == 1
}
