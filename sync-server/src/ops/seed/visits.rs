//! What a rep did at a made-up account, means to do there today, and has to do because of it.

use serde_json::json;
use sync_core::ids::RecordId;
use sync_core::random::Random;
use sync_core::time::UnixMs;
use uuid::Uuid;

use super::company::Account;
use super::words::{self, one};
use super::writer::Writer;

/// Stops on a rep's route of a day.
const STOPS: u64 = 7;

/// Makes up the visits and calls of the last weeks, the ones planned for today and the days after, and the
/// tasks.
pub(super) fn write(
    account: &Account<'_>,
    deal: Option<RecordId>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let every = match account.priority {
        "A" => 11,
        "B" => 19,
        "C" => 34,
        _ => 70,
    };
    let began = account.company.days.of(account.began);
    let first = (-i64::try_from(account.company.weeks * 7).unwrap_or_default()).max(began);
    // Some were forgotten lately, as it goes.
    let last = if random.percent(18) { -32 } else { -1 };
    let mut day = first + random.below(every) as i64;
    while day <= last {
        happened(account, deal, day, random, writer)?;
        day += (every * 2 / 3 + random.below(every * 2 / 3)) as i64;
    }
    planned(account, random, writer)?;
    if random.percent(25) {
        let (title, sort) = *random.pick(words::TASKS).unwrap_or(&words::TASKS[0]);
        let due = random.between(0, 26) as i64 - 6;
        let at = account.company.days.worked(random, due.min(0) - 3);
        let id = RecordId::mint(at, random.bytes());
        task(account, (id, at), (title, sort), due, None, random, writer)?;
    }
    Ok(())
}

fn happened(
    account: &Account<'_>,
    deal: Option<RecordId>,
    day: i64,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let days = account.company.days;
    let sort = match random.below(100) {
        0..60 => "VISIT",
        60..84 => "CALL",
        84..90 => "EMAIL",
        90..94 => "DEMO",
        94..97 => "SAMPLE",
        _ => "MEETING",
    };
    let minutes = random.between(4, if sort == "CALL" { 15 } else { 50 });
    let came = days.worked(random, day);
    let went = days.later(came, minutes);
    let (outcome, what, next) = *random.pick(words::OUTCOMES).unwrap_or(&words::OUTCOMES[0]);
    let mut says = json!({
        "organization_id": account.id(),
        "interaction_type": sort,
        "occurred_at": came.to_string(),
        "duration_minutes": minutes,
        "subject": one(random, words::SUBJECTS),
        "outcome": outcome,
        "sentiment_score": match outcome { "order" => 5, "problem" => 2, "not_now" => 3, _ => 4 },
        "description": what,
        "next_steps": next,
    });
    if let Some(contact) = account.contact {
        says["lead_contact_id"] = json!(contact.to_string());
        says["attendees"] = json!([contact.to_string()]);
    }
    if let Some(deal) = deal.filter(|_| random.percent(50)) {
        says["opportunity_id"] = json!(deal.to_string());
    }
    if matches!(sort, "VISIT" | "DEMO") && went.0 > came.0 {
        let (lat, lng) = (account.place.lat, account.place.lng);
        says["check_in"] = json!({ "at_ms": came.0, "lat": lat, "lng": lng });
        says["check_out"] = json!({ "at_ms": went.0, "lat": lat, "lng": lng });
        says["location"] = account.place.position(random);
    }
    let visit = writer.create(account.works(), went, "interaction", &says)?;
    if !next.is_empty() && random.percent(55) {
        // As any device would call it, so that a follow-up is never there twice.
        let id = RecordId(Uuid::new_v5(&visit.id.0, b"follow-up"));
        let due = days.of(came) + random.between(3, 14) as i64;
        let what = (next.trim_end_matches('.'), "follow_up");
        task(account, (id, went), what, due, Some(visit.id), random, writer)?;
    }
    Ok(())
}

/// Some accounts of each rep are on today's route, and some on those of the next days.
fn planned(
    account: &Account<'_>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let apart = (account.company.each / STOPS).max(1);
    let (stop, day) = match account.number % apart {
        0 => (account.number / apart, 0),
        1 if apart > 2 => (account.number / apart, 1),
        2 if apart > 3 => (account.number / apart, 4),
        _ => return Ok(()),
    };
    if stop >= STOPS {
        return Ok(());
    }
    let days = account.company.days;
    let at = days.at(day, 40 + i64::try_from(stop).unwrap_or_default() * 62);
    let says = json!({
        "organization_id": account.id(),
        "interaction_type": "VISIT",
        "planned_at": at.to_string(),
        "subject": one(random, words::SUBJECTS),
        "lead_contact_id": account.contact.map(|contact| contact.to_string()),
    });
    let when = days.worked(random, -2);
    writer.create(account.works(), when, "interaction", &says)?;
    Ok(())
}

/// A task; the longer ago it was due, the more likely it is done.
fn task(
    account: &Account<'_>,
    (id, at): (RecordId, UnixMs),
    (title, sort): (&str, &str),
    due: i64,
    of: Option<RecordId>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let days = account.company.days;
    let says = json!({
        "title": title,
        "task_type": sort,
        "priority": if account.priority == "A" { "high" } else { one(random, &["high", "medium", "medium", "low"]) },
        "due_date": days.day(due),
        "assignee_id": account.rep.user,
        "organization_id": account.id(),
        "contact_id": account.contact.map(|contact| contact.to_string()),
        "interaction_id": of.map(|visit| visit.to_string()),
    });
    let mut task = writer.create_as(id, account.works(), at, "task", &says)?;
    let done = match due {
        ..-9 => 97,
        -9..0 => 82,
        0 => 20,
        _ => 0,
    };
    if random.percent(done) {
        let when = days.worked(random, due.min(0)).max(UnixMs(at.0 + 1));
        writer.edit(&mut task, account.works(), when, &json!({ "completed": true }))?;
    }
    Ok(())
}
