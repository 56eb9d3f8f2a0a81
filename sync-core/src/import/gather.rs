//! Reading the cells of one row, target by target.

use super::cell::{Came, Reader, clean};
use super::gathered::{Cell, Gathered, Loss};
use super::judge::{Judge, Mint};
use super::names;
use super::target::Target;
use super::words::ours;
use crate::schema::{FieldType, SetOf};

impl Judge {
    /// Reads the cells of one target.
    pub(super) fn gather(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &str,
        target: &Target,
        columns: &[usize],
        mint: Mint<'_>,
    ) {
        let mut cells: Vec<(usize, String)> = Vec::new();
        for place in columns {
            match clean(gathered.row.cell(*place)) {
                Ok(cell) if cell.is_empty() => {}
                Ok(cell) => cells.push((*place, cell)),
                Err(reason) => {
                    let cell = gathered.row.cell(*place).to_owned();
                    let loss = if target.is_essential() { Loss::Row } else { Loss::Cell };
                    gathered.remark(&self.heading(*place), &cell, reason, loss);
                }
            }
        }
        let Some((first, _)) = cells.first().cloned() else { return };
        let column = self.heading(first);
        let plan = self.plan.clone();
        let reader = Reader { kind: &plan.kind, habits: &plan.habits, words: &plan.options.words };
        let joined =
            |with: &str| cells.iter().map(|(_, cell)| cell.as_str()).collect::<Vec<_>>().join(with);
        match target {
            Target::Account(part) => {
                let cell = Cell { column, text: joined(", ") };
                gathered.place.insert(part, cell);
            }
            Target::Link(field, kind) => {
                self.link(gathered, name, field, kind, &cells, mint);
            }
            Target::FullName => {
                let (first, last) = names::split(&joined(" "));
                for (name, part) in [("first_name", first), ("last_name", last)] {
                    if !part.is_empty() && !gathered.has(name) {
                        gathered.pairs.push((name.to_owned(), part));
                    }
                }
            }
            Target::Entry(key) => {
                let text = joined("\n");
                gathered.pairs.push((format!("custom_fields.{key}"), text));
            }
            Target::Keys(field, SetOf::Ids) => {
                for (place, cell) in &cells {
                    self.link_keys(gathered, field, &self.heading(*place), cell);
                }
            }
            Target::Keys(field, of) => {
                for (place, cell) in &cells {
                    let came = reader.keys(field, *of, cell);
                    self.take(gathered, *place, cell, came, false);
                }
            }
            Target::Days(field) => {
                let cell = joined(" ");
                let came = reader.days(name, field, &cell);
                self.take(gathered, first, &cell, came, target.is_essential());
            }
            Target::Money(field) => {
                // A currency without an amount says nothing.
                if !cells.iter().any(|(_, cell)| cell.contains(|c: char| c.is_ascii_digit())) {
                    if columns.len() == 1 {
                        gathered.remark(&column, &joined(" "), "is no amount", Loss::Cell);
                    }
                    return;
                }
                let cell = joined(" ");
                let came = reader.words(name, field, &cell);
                self.take(gathered, first, &cell, came, false);
            }
            Target::Words(field) if matches!(field.ty, FieldType::Log(_)) => {
                // Of a stage and a state beside it, one that ends the deal says more.
                let ends = cells.iter().rev().find(|(_, cell)| {
                    matches!(ours(name, cell), Some("closed-won" | "closed-lost"))
                });
                let (place, cell) = ends.or(cells.first()).cloned().unwrap_or_default();
                let came = reader.words(name, field, &cell);
                self.take(gathered, place, &cell, came, true);
            }
            Target::Words(field) => {
                let with = if field.ty == FieldType::Text {
                    "\n"
                } else if name.ends_with("street") {
                    street_join(&column, &cells)
                } else {
                    " "
                };
                let cell = joined(with);
                let came = reader.words(name, field, &cell);
                self.take(gathered, first, &cell, came, target.is_essential());
            }
        }
    }

    pub(super) fn heading(&self, place: usize) -> String {
        self.plan.columns.get(place).map(|column| column.heading.clone()).unwrap_or_default()
    }

    fn take(
        &self,
        gathered: &mut Gathered<'_>,
        place: usize,
        cell: &str,
        came: Came,
        essential: bool,
    ) {
        let column = self.heading(place);
        let loss = if essential { Loss::Row } else { Loss::Cell };
        for reason in came.lost {
            gathered.remark(&column, cell, reason, loss);
        }
        for note in came.notes {
            gathered.remark(&column, cell, note, Loss::Nothing);
        }
        gathered.pairs.extend(came.pairs);
        for change in came.changes {
            // Two spellings of one number or address are one.
            if !gathered.edit.changes.contains(&change) {
                gathered.edit.changes.push(change);
            }
        }
    }
}

/// Building and street belong on one line; lines of an address are told apart.
fn street_join(heading: &str, cells: &[(usize, String)]) -> &'static str {
    if ["building", "house"].iter().any(|word| heading.to_lowercase().contains(word)) {
        return " ";
    }
    let number = cells
        .first()
        .is_some_and(|(_, cell)| cell.len() <= 8 && cell.contains(|c: char| c.is_ascii_digit()));
    if number { " " } else { ", " }
}
