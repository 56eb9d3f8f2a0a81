//! What other programs call the choices of ours.

use crate::words::plain;

/// Our word for another program's; the caller says so.
pub(super) fn ours(target: &str, word: &str) -> Option<&'static str> {
    let word = plain(word);
    Some(match (target, word.as_str()) {
        ("stage", "won" | "closed") => "closed-won",
        ("stage", "lost") => "closed-lost",
        ("stage", "new" | "lead" | "leadin" | "appointmentscheduled" | "contactmade") => {
            "prospecting"
        }
        (
            "stage",
            "needsanalysis" | "valueproposition" | "iddecisionmakers" | "perceptionanalysis"
            | "qualify" | "qualified" | "qualifiedtobuy" | "needsdefined",
        ) => "qualification",
        (
            "stage",
            "proposalpricequote"
            | "proposalmade"
            | "quote"
            | "presentationscheduled"
            | "propose"
            | "demoscheduled",
        ) => "proposal",
        (
            "stage",
            "negotiationreview" | "negotiationsstarted" | "decisionmakerboughtin" | "contractsent",
        ) => "negotiation",
        ("interaction_type" | "task_type", "phonecall" | "phone" | "telephone" | "callback") => {
            "call"
        }
        ("interaction_type", "sampledrop" | "sampling" | "samples" | "tasting") => "SAMPLE",
        ("interaction_type", "sitevisit" | "visited" | "onsite" | "storevisit") => "VISIT",
        ("interaction_type", "demonstration" | "productdemo") => "DEMO",
        ("interaction_type" | "task_type", "followup" | "todo") => "follow_up",
        ("organization_type", "client" | "existingcustomer" | "kunde" | "cliente") => "customer",
        ("organization_type", "lead" | "suspect" | "prospecto") => "prospect",
        ("organization_type", "manufacturer" | "supplier" | "brand" | "fabricante") => "principal",
        ("organization_type", "distribuidor") => "distributor",
        ("priority", "normal" | "standard" | "mittel") => "medium",
        ("priority", "urgent" | "highest" | "hoch") => "high",
        ("priority", "lowest" | "niedrig") => "low",
        ("preferred_contact_method", "any") => return None,
        ("preferred_contact_method", "mail") => "email",
        ("preferred_contact_method", "sms") => "text",
        _ => return None,
    })
}

/// States of a deal beside its stage that say nothing of their own: it goes on.
pub(super) fn says_nothing(target: &str, word: &str) -> bool {
    target == "stage" && plain(word) == "open"
}
