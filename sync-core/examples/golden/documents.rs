//! Documents of every kind, and every rule of merging at work.

use std::collections::BTreeMap;

use automerge::Automerge;
use serde_json::{Value as Json, json};
use sync_core::document::lean;
use sync_core::schema::{Kind, LifeEvent};

use super::json::hex;
use super::meaning::{heads, history, holds, meaning};
use super::oddities;
use super::pens::{MIA, OMAR, ROSA, Writer, record, server, user, writer};
use super::records::{Made, account, grown, merged, twice};
use super::schemas::{kind, later};

/// Every document with what it means, by name.
pub(crate) fn all() -> BTreeMap<String, Json> {
    let made = [plain_account(), contested_account(), settled_account(), deleted_account()]
        .into_iter()
        .chain([
            gone_account(),
            relabeled_account(),
            finance(),
            contact(),
            deal(),
            disputed_deal(),
            visit(),
            chore(),
        ])
        .chain([older_account(), newer_account(), account_of_two_newer_apps()])
        .chain(oddities::all());
    made.map(|made| (made.name.to_owned(), described(&made))).collect()
}

/// A document in each of its forms, beside what it means.
fn described(made: &Made) -> Json {
    let Made { about, kind, doc, .. } = made;
    let whole = lean::save(doc);
    let mut json = json!({
        "about": about,
        "kind": kind.name,
        "record": sync_core::document::id_of(doc).unwrap().to_string(),
        "whole": hex(&whole),
        "deflated": hex(doc.save()),
        "lean": hex(lean::strip(&whole).unwrap()),
        "heads": heads(doc),
        "changes": history(doc),
        "holds": holds(doc),
        "means": meaning(doc, &super::schemas::kind(kind.name)),
    });
    if kind.name == "organization" {
        json["means_to_a_later_app"] = meaning(doc, later().kind(kind.name).unwrap());
    }
    json
}

fn plain_account() -> Made {
    let mut rosa = writer(ROSA, 1);
    let (kind, mut doc) = account(&mut rosa);
    let (deliverer, parent) = (record(90).to_string(), record(91).to_string());
    let pairs = [
        ("organization_type", "customer"),
        ("industry_segment", "fine dining"),
        ("business_type", "independent"),
        ("cuisine", "Thai"),
        ("website", "https://zoe.example"),
        ("employee_count", "12"),
        ("account_status", "value=on_hold, reason=Moves house"),
        ("priority_level", "B"),
        (
            "billing_address",
            "street=1 Main St, city=Albany, state=NY, postal_code=12207, country=US",
        ),
        ("shipping_address", "street=2 Dock Rd, city=Albany"),
        ("location", "lat=42.6526, lng=-73.7562, accuracy_m=8.5"),
        ("parent_organization_id", &parent),
        ("phones", "+1 518 000 0001, 518-000-0002"),
        ("emails", "Kitchen@Zoe.example"),
        ("distributors", &deliverer),
        ("needs_review", "no"),
        ("tags", "bar, -patio"),
        ("custom_fields.Parking", "behind the house"),
        ("notes", "Ring twice. Zurück bis zehn.\n\nBack door 🚪."),
    ];
    rosa.edit(&mut doc, &kind, &pairs);
    rosa.edit(&mut doc, &kind, &[("cuisine", ""), ("employee_count", "13")]);
    let parts =
        [("assigned_user_id", user(OMAR).to_string()), ("territory_id", record(80).to_string())];
    let parts = parts.each_ref().map(|(name, id)| (*name, id.as_str()));
    server(MIA, 9).append(&mut doc, &kind, "assignment", &parts);
    let about = "An account with a value in nearly every field, one of them cleared, assigned by a manager.";
    Made { name: "organization-plain", about, kind, doc }
}

fn contested() -> (Kind, Automerge) {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let first = [
        ("website", "a.example"),
        ("priority_level", "A"),
        ("employee_count", "3"),
        ("needs_review", "yes"),
        ("account_status", "value=lost, reason=Closed"),
        ("location", "lat=1.5, lng=2, accuracy_m=30"),
        ("tags", "-patio, roof"),
        ("custom_fields.Parking", "none"),
        ("custom_fields.Gate", "2"),
        ("notes", "Ring three times.\n\nBack door."),
        ("cuisine", "Lao"),
    ];
    let second = [
        ("website", "b.example"),
        ("priority_level", "C"),
        ("employee_count", "4"),
        ("needs_review", "no"),
        ("account_status", "value=active"),
        ("location", "lat=1.5, lng=2.25, accuracy_m=5"),
        ("tags", "roof, garden"),
        ("custom_fields.Parking", "in the yard"),
        ("notes", "Ring twice.\n\nFront door."),
        ("cuisine", "Lao"),
    ];
    (kind.clone(), twice(&kind, doc, &first, &second))
}

fn contested_account() -> Made {
    let (kind, doc) = contested();
    let about = "Two devices wrote the same fields at once: registers and wholes are contested (of the priority the higher is shown), one register got the same value from both and is not, texts and sets merged.";
    Made { name: "organization-contested", about, kind, doc }
}

fn settled_account() -> Made {
    let (kind, mut doc) = contested();
    let mut mia = writer(MIA, 13);
    let now = sync_core::document::hydrate(&doc, &kind);
    let shown = now.json("website");
    let pairs = [
        ("website", shown.as_str().unwrap()),
        ("priority_level", "C"),
        ("employee_count", "5"),
        ("account_status", "value=inactive"),
    ];
    mia.edit(&mut doc, &kind, &pairs);
    let about = "As organization-contested, and then some conflicts were settled: by writing what is shown, by writing the other value, and by writing a third.";
    Made { name: "organization-settled", about, kind, doc }
}

fn live(writer: &mut Writer, doc: &mut Automerge, kind: &Kind, event: LifeEvent) {
    let data = event.data();
    let parts: Vec<(&str, &str)> =
        data.iter().map(|(name, json)| (name.as_str(), json.as_str().unwrap())).collect();
    writer.append(doc, kind, "life", &parts);
}

fn gone_account() -> Made {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let (mut here, mut there) = (doc.clone(), doc);
    live(&mut writer(OMAR, 12), &mut here, &kind, LifeEvent::Delete);
    live(&mut writer(ROSA, 11), &mut there, &kind, LifeEvent::Delete);
    let about = "Deleted by two at once: it is deleted since the earlier of the two.";
    Made { name: "organization-gone", about, kind, doc: merged(here, [there]) }
}

fn relabeled_account() -> Made {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let (mut here, mut there) = (doc.clone(), doc);
    writer(ROSA, 11).edit(&mut here, &kind, &[("tags", "-patio")]);
    let mut omar = writer(OMAR, 12);
    omar.edit(&mut there, &kind, &[("tags", "-patio")]);
    omar.edit(&mut there, &kind, &[("tags", "patio")]);
    let about = "A tag that one removed while another removed it and put it back: it is there.";
    Made { name: "organization-relabeled", about, kind, doc: merged(here, [there]) }
}

fn deleted_account() -> Made {
    let mut rosa = writer(ROSA, 1);
    let (kind, mut doc) = account(&mut rosa);
    let life = |writer: &mut Writer, doc: &mut Automerge, event| live(writer, doc, &kind, event);
    life(&mut rosa, &mut doc, LifeEvent::Delete);
    life(&mut rosa, &mut doc, LifeEvent::Restore);
    life(&mut rosa, &mut doc, LifeEvent::Delete);
    let (mut here, mut there, mut third) = (doc.clone(), doc.clone(), doc.clone());
    life(&mut writer(OMAR, 12), &mut here, LifeEvent::Restore);
    life(&mut writer(MIA, 13), &mut there, LifeEvent::Delete);
    writer(ROSA, 14).edit(&mut third, &kind, &[("cuisine", "Thai")]);
    let doc = merged(doc, [here, there, third]);
    let about = "Deleted, restored, deleted again; then restored, deleted once more and edited, by three who had not heard of each other.";
    Made { name: "organization-deleted", about, kind, doc }
}

fn finance() -> Made {
    let kind = kind("organization_finance");
    let account = record(1).to_string();
    let pairs = [
        ("organization_id", account.as_str()),
        ("annual_revenue", "minor=120000000, currency=USD"),
        ("payment_terms", "net_30"),
    ];
    let (doc, _) = writer(MIA, 3).create(&kind, record(2), &pairs);
    let first = [("credit_limit", "minor=500000, currency=USD"), ("tax_id", "12-3456789")];
    let second = [("credit_limit", "minor=250000, currency=USD"), ("annual_revenue", "")];
    let mut third = doc.clone();
    writer(MIA, 15).edit(&mut third, &kind, &[("annual_revenue", "minor=99, currency=EUR")]);
    let doc = merged(twice(&kind, doc, &first, &second), [third]);
    let about = "Amounts that two wrote at once: the lower is shown, and one that was cleared does not hide one that was not.";
    Made { name: "organization_finance-contested", about, kind, doc }
}

fn contact() -> Made {
    let kind = kind("contact");
    let (here, there) = (record(1).to_string(), record(7).to_string());
    let pairs = [
        ("last_name", "Oyelaran"),
        ("first_name", "Tunde"),
        ("organization_id", here.as_str()),
        ("birthday", "1984-02-29"),
        ("authority_level", "4"),
        ("emails", "tunde@zoe.example"),
        ("dietary_restrictions", "nuts"),
        ("preferred_contact_method", "phone"),
    ];
    let (doc, _) = writer(ROSA, 1).create(&kind, record(3), &pairs);
    let first =
        [("do_not_contact", "yes"), ("organization_id", there.as_str()), ("job_title", "Chef")];
    let elsewhere = record(8).to_string();
    let second = [("do_not_contact", "no"), ("organization_id", elsewhere.as_str())];
    let doc = twice(&kind, doc, &first, &second);
    let about = "A person who was moved to two employers at once, and of whom one said that they want to be left alone and another that they do not.";
    Made { name: "contact-contested", about, kind, doc }
}

fn opportunity(pairs: &[(&str, &str)]) -> (Kind, Automerge) {
    let kind = kind("opportunity");
    let account = record(1).to_string();
    let all = [&[("organization_id", account.as_str()), ("name", "Rice noodles")], pairs].concat();
    let (doc, _) = writer(ROSA, 1).create(&kind, record(4), &all);
    (kind, doc)
}

fn deal() -> Made {
    let pairs = [
        ("estimated_value", "minor=480000, currency=USD"),
        ("estimated_close_date", "2026-12-01"),
        ("stage", "qualification"),
        ("proposal", "submitted=yes, date=2026-10-02"),
        ("next_action", "what=Call the chef, date=2026-10-09"),
        ("description", "Ten cases a week."),
    ];
    let (kind, doc) = opportunity(&pairs);
    let first = [
        ("budget_confirmed", "yes"),
        ("need_confirmed", "no"),
        ("stage", "proposal"),
        ("estimated_value", "minor=300000, currency=USD"),
    ];
    let second = [
        ("budget_confirmed", "no"),
        ("need_confirmed", "yes"),
        ("stage", "negotiation"),
        ("estimated_value", "minor=700000, currency=USD"),
    ];
    let doc = twice(&kind, doc, &first, &second);
    let about = "A deal that two moved on at once: the further stage is shown, of a contested yes or no the no, of amounts the lower; probability and weighted value follow.";
    Made { name: "opportunity-contested", about, kind, doc }
}

fn disputed_deal() -> Made {
    let (kind, mut doc) = opportunity(&[("cases_per_week", "10")]);
    let owner = user(OMAR).to_string();
    server(MIA, 9).append(&mut doc, &kind, "owner", &[("user_id", &owner)]);
    let (mut won, mut lost, mut open) = (doc.clone(), doc.clone(), doc.clone());
    let parts = [("stage", "closed-lost"), ("reason", "Too dear"), ("evidence", "E-mail of May 3")];
    writer(OMAR, 12).append(&mut lost, &kind, "stage_log", &parts);
    let parts = [("stage", "closed-won"), ("close_date", "2026-11-30")];
    writer(ROSA, 11).append(&mut won, &kind, "stage_log", &parts);
    writer(MIA, 13).append(&mut open, &kind, "stage_log", &[("stage", "negotiation")]);
    let doc = merged(won, [lost, open]);
    let about = "A deal that is won by one, lost by another with evidence, and open for a third, all at once: disputed, and evidence counts.";
    Made { name: "opportunity-disputed", about, kind, doc }
}

fn visit() -> Made {
    let kind = kind("interaction");
    let (account, who) = (record(1).to_string(), user(ROSA).to_string());
    let attendee = record(3).to_string();
    let pairs = [
        ("organization_id", account.as_str()),
        ("user_id", who.as_str()),
        ("occurred_at", "2026-09-21T14:00:00Z"),
        ("interaction_type", "VISIT"),
        ("check_in", r#"{"at_ms":1789999200000,"lat":42.5,"lng":-73.25}"#),
        ("sentiment_score", "4"),
        ("attendees", attendee.as_str()),
        ("status", "scheduled"),
        ("description", "Tasted three noodles."),
    ];
    let (doc, _) = writer(ROSA, 1).create(&kind, record(5), &pairs);
    let first = [
        ("status", "no_show"),
        ("subject", "Tasting"),
        ("check_out", r#"{"at_ms":1790000100000,"lat":42.5,"lng":-73.25}"#),
    ];
    let second = [
        ("check_out", r#"{"at_ms":1790000160000}"#),
        ("status", "cancelled"),
        ("subject", "Tasting, again"),
    ];
    let doc = twice(&kind, doc, &first, &second);
    let about = "A visit whose state two gave at once: the stronger is shown; and whose departure both noted, which neither may settle: the one of the lower operation is shown.";
    Made { name: "interaction-contested", about, kind, doc }
}

fn chore() -> Made {
    let kind = kind("task");
    let account = record(1).to_string();
    let pairs = [
        ("title", "Bring samples"),
        ("organization_id", account.as_str()),
        ("due_date", "2026-10-01"),
        ("reminder_at", "2026-09-30T08:00:00.250Z"),
    ];
    let (mut doc, _) = writer(ROSA, 1).create(&kind, record(6), &pairs);
    writer(OMAR, 2).edit(&mut doc, &kind, &[("completed", "yes")]);
    let first = [("due_date", "2026-10-05"), ("completed", "no"), ("priority", "high")];
    let second = [("due_date", "2026-10-03"), ("completed", "yes"), ("priority", "low")];
    let doc = twice(&kind, doc, &first, &second);
    let about = "A task that was done, then reopened by one and done again by another who had not heard of that: it is done. Of contested days the earliest is shown.";
    Made { name: "task-contested", about, kind, doc }
}

fn older_account() -> Made {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let about = "An account as every app begins one: without the containers that a later app knows, which are empty for it.";
    Made { name: "organization-of-an-older-app", about, kind, doc }
}

fn newer_account() -> Made {
    let (kind, doc) = grown();
    let about = "An account to which a later app wrote: a register at the root and a second step of genesis. An app that does not know them keeps them.";
    Made { name: "organization-of-a-later-app", about, kind, doc }
}

fn account_of_two_newer_apps() -> Made {
    let (kind, doc) = grown();
    let first =
        [("golden_extras.Terrace", "40 seats"), ("golden_delivery", "Through the yard, early.")];
    let second = [("golden_extras.Cellar", "damp"), ("golden_certificates", "-halal, kosher")];
    let doc = twice(&kind, doc, &first, &second);
    let about = "Two devices of a later app both added the third step of genesis: it is one change, and what they wrote into it merged.";
    Made { name: "organization-of-two-later-apps", about, kind, doc }
}
