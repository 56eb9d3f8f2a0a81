//! What a row needs beside its cells, and what is odd about it as a whole.

use super::gathered::{Gathered, Loss};
use super::judge::Judge;
use super::names;
use crate::limits::FUTURE_CLAIM_MS;
use crate::schema::{Field, Initial, Presence};
use crate::time::UnixMs;

impl Judge {
    /// What the record needs beside its cells.
    pub(super) fn complete(&mut self, gathered: &mut Gathered<'_>) {
        let kind = self.plan.kind.clone();
        if kind.name == "contact" && !gathered.has("last_name") {
            let first = gathered.pairs.iter_mut().find(|(name, _)| name == "first_name");
            if let Some((name, text)) = first {
                "last_name".clone_into(name);
                let text = text.clone();
                gathered.remark(
                    "",
                    &text,
                    "one name alone; it is taken as the last name",
                    Loss::Nothing,
                );
            }
        }
        self.look_at_future(gathered);
        look_at_place(gathered);
        if kind.name == "organization" && self.plan.options.prospects_only {
            begin_as_prospect(gathered);
        }
        let code = gathered.pairs.iter().find(|(name, _)| name.ends_with("address.postal_code"));
        if let Some((_, code)) = code.cloned()
            && code.len() == 4
            && code.bytes().all(|b| b.is_ascii_digit())
            && needs_five(&gathered.pairs)
        {
            let note = "a nought may be missing before this postal code; it is taken as it stands";
            gathered.remark("", &code, note, Loss::Nothing);
        }
        let own = ["created_at", "created_by", "user_id"];
        // A moment that nobody told is not that of the import.
        let needs = |field: &&Field| {
            field.required == Presence::Required || matches!(field.initial, Initial::NowUnless(_))
        };
        for field in kind.fields.iter().filter(needs) {
            let said = gathered.remarks.iter().any(|remark| remark.loss == Loss::Row);
            let instead = matches!(field.initial, Initial::NowUnless(other) if gathered.has(other));
            let may_lack = own.contains(&field.name) || instead;
            if !said && !may_lack && !gathered.has(field.name) {
                let missing =
                    if kind.name == "contact" { "the name of a person" } else { field.name };
                gathered.remark("", "", format!("{missing} is missing"), Loss::Row);
            }
        }
    }

    /// What lies ahead has not taken place.
    fn look_at_future(&self, gathered: &mut Gathered<'_>) {
        let place = gathered.pairs.iter().position(|(name, _)| name == "occurred_at");
        let Some(place) = place else { return };
        let text = gathered.pairs[place].1.clone();
        let ahead = UnixMs::parse(&text).is_some_and(|at| at.0 > self.now.0 + FUTURE_CLAIM_MS);
        if !ahead {
            return;
        }
        if self.plan.kind.field("planned_at").is_some() {
            "planned_at".clone_into(&mut gathered.pairs[place].0);
            if !gathered.has("status") {
                gathered.pairs.push(("status".to_owned(), "scheduled".to_owned()));
            }
            gathered.remark("", &text, "it lies ahead, and is taken as planned", Loss::Nothing);
        } else {
            gathered.remark("", &text, "it lies ahead, and has not taken place", Loss::Row);
        }
    }
}

/// Nobody sells to the sea off Ghana: nought and nought is how lists write that they do not know.
fn look_at_place(gathered: &mut Gathered<'_>) {
    let is_nought = |name: &str| {
        let pair = gathered.pairs.iter().find(|(target, _)| target == name);
        pair.is_some_and(|(_, text)| text.trim().parse::<f64>() == Ok(0.0))
    };
    if is_nought("location.lat") && is_nought("location.lng") {
        gathered.pairs.retain(|(name, _)| !name.starts_with("location."));
        let note = "a place of nought and nought is none";
        gathered.remark("", "0, 0", note, Loss::Nothing);
    }
}

/// Whoever is no manager begins prospects alone.
fn begin_as_prospect(gathered: &mut Gathered<'_>) {
    let told = gathered.pairs.iter_mut().find(|(name, _)| name == "organization_type");
    if let Some((_, text)) = told
        && text != "prospect"
    {
        let said = std::mem::replace(text, "prospect".to_owned());
        let note = "it begins as a prospect; a manager can change that";
        gathered.remark("organization_type", &said, note, Loss::Nothing);
    }
}

/// Whether postal codes there have five digits.
fn needs_five(pairs: &[(String, String)]) -> bool {
    let part = |end: &str| {
        pairs.iter().find(|(name, _)| name.ends_with(end)).map(|(_, text)| text.as_str())
    };
    match part("address.country").map(names::key).as_deref() {
        Some(
            "us"
            | "usa"
            | "united states"
            | "united states of america"
            | "de"
            | "germany"
            | "deutschland",
        ) => true,
        None => part("address.state").is_some_and(|state| state.len() == 2),
        Some(_) => false,
    }
}
