//! A long text as the writer of a change saw it, and what the change does to it.
//!
//! Automerge trusts that an element it is told of is there: one that is not, or one that is of another
//! object, makes it panic or lose the operation. So every element is looked up in what was visible.

use std::collections::HashSet;

use automerge::legacy::{ElementId, Op, OpId, OpType};
use automerge::{ActorId, Automerge, ChangeHash as AutoHash, ObjId, ReadDoc, ScalarValue};

use super::refusals::bad_preds;
use crate::error::{Refusal, RefusalCode};
use crate::limits;
use crate::nul::holds_nul;

/// The elements of one text.
#[derive(Debug)]
pub(super) struct TextView {
    /// What a character may be put after: seen by the writer or put in by this change.
    anchors: HashSet<OpId>,
    /// What this change took away.
    removed: HashSet<OpId>,
    /// How long the text is in the document, with this change.
    length: usize,
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
        Self { anchors: anchors.collect(), removed: HashSet::new(), length: doc.length(text) }
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
                self.length += 1;
                self.anchors.insert(OpId::new(counter, actor));
                Ok(())
            }
            (OpType::Delete, false, ElementId::Id(id)) => {
                // What was put in by an insertion alone has that as its one value.
                let exact = op.pred.len() == 1 && op.pred.iter().all(|pred| pred == id);
                if !exact || !self.anchors.contains(id) || !self.removed.insert(id.clone()) {
                    return Err(bad_preds());
                }
                self.length = self.length.saturating_sub(1);
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
    /// Judges what the change as a whole left of the text: it may put in before it takes away.
    pub(super) fn finish(&self) -> Result<(), Refusal> {
        if self.length > limits::LONG_TEXT_CHARS {
            let sentence = "A text of this record is too long; shorten it first.";
            return Err(Refusal::new(RefusalCode::TooLarge, sentence));
        }
        Ok(())
    }
}

/// Splicing writes one character an operation.
fn is_character(text: &str) -> bool {
    !holds_nul(text) && text.chars().count() == 1
}
