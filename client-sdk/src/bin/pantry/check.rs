//! Would this edit be refused? Asked before it is made.

use std::time::Duration;

use clap::Args;
use client_sdk::Client;
use client_sdk::core::printable::line;
use client_sdk::core::replica::{Culprit, GroupEdit, WouldBe};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;
use crate::records::{find, kind_named, pairs, unknown};
use crate::tokens::Server;

/// It would be refused.
const REFUSED: u8 = 5;
/// Nobody can say.
const UNKNOWN: u8 = 6;

/// Ask the server whether an edit would be refused, without making it: RECORD FIELD=VALUE …
///
/// The edit is judged as if it were made and sent now, after the edits that wait on this device.
/// Nothing is stored, neither here nor on the server. An edit that does not fit its record at all
/// is an error, as it is in `set` and `new`.
///
/// Exit codes: 0 it would be accepted; 5 it would be refused, and why; 6 unknown, as it is without
/// a network, with an old server, or when too many edits wait; 1 to 4 as everywhere: the question
/// itself could not be put.
///
/// Examples:
///   pantry check 5f2c19 stage=closed-lost
///   pantry check --new organization name=Grand organization_type=customer
///   pantry check --delete 5f2c19
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CheckArgs {
    /// The record, unless there is --new, and values as in `set`: field=value …
    #[arg(required = true, value_name = "RECORD FIELD=VALUE")]
    words: Vec<String>,
    /// Ask about a new record of this kind.
    #[arg(long, value_name = "KIND", conflicts_with = "delete")]
    new: Option<String>,
    /// Ask about deleting the records.
    #[arg(long)]
    delete: bool,
    #[command(flatten)]
    server: Server,
    /// How long to wait for the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u32,
}

pub(crate) async fn run(client: &Client, args: CheckArgs, out: &Output) -> Result<(), Failure> {
    let edits = edits(client, &args)?;
    client.use_server(args.server.client()?);
    let within = Duration::from_secs(args.timeout.into());
    let (value, text, code) = match client.would_be(&edits, within).await? {
        WouldBe::Accepted => {
            (json!({"would_be": "accepted"}), "it would be accepted".to_owned(), 0)
        }
        WouldBe::Refused { refusal, culprit } => {
            let (word, text) = match culprit {
                Culprit::Asked => ("asked", "it would be refused"),
                Culprit::Earlier => {
                    ("earlier", "an unsent edit that it builds on would be refused")
                }
            };
            let policy = refusal.policy.as_ref().map(|name| format!(", by {name}"));
            let policy = policy.unwrap_or_default();
            let text = format!("{text}: {} ({}{policy})", refusal.sentence, refusal.code);
            let value = json!({"would_be": "refused", "culprit": word, "code": refusal.code,
                    "policy": refusal.policy, "sentence": refusal.sentence});
            (value, text, REFUSED)
        }
        WouldBe::Unknown(why) => {
            let text = format!("unknown: {why}");
            (json!({"would_be": "unknown", "reason": why}), text, UNKNOWN)
        }
    };
    out.value(&value, &line(&text));
    if code == 0 { Ok(()) } else { Err(Failure(code, String::new())) }
}

fn edits(client: &Client, args: &CheckArgs) -> Result<Vec<GroupEdit>, Failure> {
    if let Some(kind) = &args.new {
        let kind = kind_named(kind)?;
        let edit = client.read_edit(&kind, pairs(&args.words)?)?;
        let id = client.mint_id();
        return Ok(vec![GroupEdit::Create { id, kind, edit }]);
    }
    if args.delete {
        let delete = |id: &String| Ok(GroupEdit::Delete { id: find(client, id)? });
        return args.words.iter().map(delete).collect();
    }
    let [record, values @ ..] = &args.words[..] else { return Ok(Vec::new()) };
    let id = find(client, record)?;
    let kind = client.kind_of(id)?.ok_or_else(|| unknown(&id.to_string()))?;
    let edit = client.read_edit(&kind, pairs(values)?)?;
    Ok(vec![GroupEdit::Edit { id, edit }])
}
