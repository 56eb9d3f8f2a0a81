//! The measuring: server's and device's time, and bytes, for each form.

use rusqlite::Connection;
use sync_core::document::{self, hydrate, lean};
use sync_core::ids::{ServerEpoch, UserId};
use sync_core::projection::{self, Stamp};
use sync_core::protocol::{Compression, Frame, ServerMessage, Welcome, decode_frame, encode_frame};
use sync_core::replica::{Env, OpenOptions, Replica};
use sync_core::testing::session_limits;
use sync_core::time::UnixMs;
use uuid::Uuid;

use crate::forms::{self, Form};
use crate::records::{self, Lot, Record, kind};

/// Records a frame.
const BATCH: usize = 500;

/// What the machine gives: microseconds, and an empty database.
pub(crate) struct Host {
    pub(crate) clock: Box<dyn Fn() -> f64>,
    pub(crate) database: Box<dyn FnMut() -> Connection>,
}

pub(crate) type Say<'a> = &'a mut dyn FnMut(String);

#[derive(Clone, Copy)]
enum Packing {
    Agreed(Compression),
    Zstd9,
    Dictionary,
}

const ZLIB: Packing = Packing::Agreed(Compression::Zlib);
const ZSTD: Packing = Packing::Agreed(Compression::Zstd);

pub(crate) fn run(mut host: Host, count: usize, rounds: usize, say: Say<'_>) {
    let accounts = records::accounts(count);
    let mean = |of: &dyn Fn(&Record) -> usize| accounts.iter().map(of).sum::<usize>() / count;
    say(format!(
        "{count} accounts, {BATCH} a frame; saved: {} B, without deflate {} B, lean {} B, change {} B",
        mean(&|record| record.deflated.len()),
        mean(&|record| record.plain.len()),
        mean(&|record| lean::strip(&record.plain).unwrap().len()),
        mean(&|record| record.change.len()),
    ));
    say(format!("{:<46} {:>9} {:>12} {:>12}", "", "B/record", "server µs", "device µs"));
    let lines = [
        ("before: save() + row, zlib", Form::Deflated, ZLIB),
        ("save() + row, zstd 3", Form::Deflated, ZSTD),
        ("no inner compression + row, zlib", Form::Plain, ZLIB),
        ("no inner compression + row, zstd 3", Form::Plain, ZSTD),
        ("lean + row, zlib", Form::Lean, ZLIB),
        ("lean + row, zstd 3", Form::Lean, ZSTD),
        ("lean + row, zstd 9", Form::Lean, Packing::Zstd9),
        ("lean + row, zstd 3 with a 64 KiB dictionary", Form::Lean, Packing::Dictionary),
        ("lean + row by names, zstd 3", Form::LeanNamed, ZSTD),
        ("lean + rows by column, zstd 3", Form::LeanColumns, ZSTD),
        ("creating change + row, zstd 3", Form::Change, ZSTD),
        ("document alone, projected here, zstd 3", Form::PlainAlone, ZSTD),
        ("lean document alone, zstd 3", Form::LeanAlone, ZSTD),
        ("rows alone, zstd 3", Form::Rows, ZSTD),
        ("rows alone by column, zstd 3", Form::Columns, ZSTD),
    ];
    for (name, form, packing) in lines {
        line(&mut host, name, form, packing, &accounts, rounds, say);
    }
    let edited = records::edited(&accounts[..count.min(2000)]);
    say("after five edits by twelve writers:".to_owned());
    for (name, form, packing) in [
        ("before: save() + row, zlib", Form::Deflated, ZLIB),
        ("lean + row, zlib", Form::Lean, ZLIB),
        ("lean + row, zstd 3", Form::Lean, ZSTD),
    ] {
        line(&mut host, name, form, packing, &edited, rounds, say);
    }
    opening(&host, &accounts[..count.min(2000)], "made by one change", say);
    opening(&host, &edited, "edited five times", say);
}

fn line(
    host: &mut Host,
    name: &str,
    form: Form,
    packing: Packing,
    records: &[Record],
    rounds: usize,
    say: Say<'_>,
) {
    let (mut server, mut device, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let started = (host.clock)();
        let frames = frames(form, packing, records);
        server.push((host.clock)() - started);
        bytes = frames.iter().map(Vec::len).sum();
        device.push(take_in(host, form, packing, &frames));
    }
    let each = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] / records.len() as f64
    };
    let device = device.into_iter().collect::<Option<Vec<f64>>>();
    say(format!(
        "{name:<46} {:>9.0} {:>12.1} {:>12}",
        bytes as f64 / records.len() as f64,
        each(server),
        device.map_or("-".to_owned(), |times| format!("{:.1}", each(times))),
    ));
}

/// The server's work: from what is stored to bytes on the socket.
fn frames(form: Form, packing: Packing, records: &[Record]) -> Vec<Vec<u8>> {
    let dictionary = match packing {
        Packing::Dictionary => dictionary(form, records),
        Packing::Agreed(_) | Packing::Zstd9 => Vec::new(),
    };
    let batches = records.chunks(BATCH).enumerate();
    let last = records.len().div_ceil(BATCH) - 1;
    batches
        .map(|(n, some)| {
            let by_hand = matches!(form, Form::LeanNamed | Form::LeanColumns | Form::Columns);
            let payload = if by_hand {
                Frame(forms::by_hand(form, some))
            } else {
                let batch = forms::batch(form, some, n as u64, n == last);
                let message = ServerMessage::Feed(batch);
                if let Packing::Agreed(compression) = packing {
                    return message.compressed(compression);
                }
                let whole = message.compressed(Compression::Zstd);
                decode_frame(&whole, usize::MAX, usize::MAX).unwrap()
            };
            match packing {
                Packing::Agreed(compression) => encode_frame(&payload, compression),
                Packing::Zstd9 => with_byte(zstd::bulk::compress(&payload.0, 9).unwrap()),
                Packing::Dictionary => {
                    let mut packer =
                        zstd::bulk::Compressor::with_dictionary(3, &dictionary).unwrap();
                    with_byte(packer.compress(&payload.0).unwrap())
                }
            }
        })
        .collect()
}

fn with_byte(mut stream: Vec<u8>) -> Vec<u8> {
    stream.insert(0, 2);
    stream
}

/// Trained on other records than most of those that it is used for.
#[cfg(not(target_arch = "wasm32"))]
fn dictionary(form: Form, records: &[Record]) -> Vec<u8> {
    let samples: Vec<Vec<u8>> = records
        .iter()
        .step_by(10)
        .map(|one| {
            let batch = forms::batch(form, std::slice::from_ref(one), 0, false);
            let frame = ServerMessage::Feed(batch).compressed(Compression::Zstd);
            decode_frame(&frame, usize::MAX, usize::MAX).unwrap().0
        })
        .collect();
    zstd::dict::from_samples(&samples, 64 << 10).unwrap()
}

#[cfg(target_arch = "wasm32")]
fn dictionary(_: Form, _: &[Record]) -> Vec<u8> {
    vec![0; 1024]
}

/// The device's work: from bytes off the socket to tables and search index.
fn take_in(host: &mut Host, form: Form, packing: Packing, frames: &[Vec<u8>]) -> Option<f64> {
    let foreign = matches!(form, Form::LeanNamed | Form::LeanColumns | Form::Columns | Form::Rows);
    if foreign || matches!(packing, Packing::Dictionary) {
        return None;
    }
    let mut env = World(Lot::new(3));
    let user = UserId(Uuid::from_u128(1));
    let mut replica = Replica::open(
        (host.database)(),
        OpenOptions { schema: sync_core::crm::schema(), user: Some(user) },
        &mut env,
    )
    .unwrap();
    replica.connect("token", "first sync").unwrap();
    replica.handle_frame(&welcome(user), &mut env).unwrap();
    let started = (host.clock)();
    for frame in frames {
        replica.handle_frame(frame, &mut env).unwrap();
    }
    Some((host.clock)() - started)
}

fn welcome(user: UserId) -> Vec<u8> {
    let welcome = Welcome {
        protocol: 1,
        user,
        role: "sales_rep".into(),
        epoch: ServerEpoch(Uuid::from_u128(1)),
        now: UnixMs(1_790_000_000_000),
        limits: session_limits(),
        live: false,
        fingerprint: Some(sync_core::protocol::Blob(
            sync_core::crm::schema().fingerprint().to_vec(),
        )),
    };
    ServerMessage::Welcome(welcome).to_bytes()
}

struct World(Lot);

impl Env for World {
    fn now(&mut self) -> UnixMs {
        UnixMs(1_790_000_000_000)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = (self.0.next() >> 40) as u8;
        }
    }
}

/// What the forms cost when a record is opened, and on the server when it is saved.
fn opening(host: &Host, records: &[Record], which: &str, say: Say<'_>) {
    let lean: Vec<Vec<u8>> =
        records.iter().map(|record| lean::strip(&record.plain).unwrap()).collect();
    let time = |work: &dyn Fn(usize)| {
        let started = (host.clock)();
        (0..records.len()).for_each(work);
        ((host.clock)() - started) / records.len() as f64
    };
    let project = |n: usize, doc: &automerge::Automerge| {
        let row =
            projection::project(records[n].id, &hydrate(doc, &kind()), Stamp::of_document(doc));
        assert_eq!(row, records[n].row);
    };
    let docs: Vec<automerge::Automerge> =
        records.iter().map(|record| document::load(&record.plain, &[]).unwrap()).collect();
    say(format!("µs a record {which}:"));
    let one = |name: &str, us: f64, say: Say<'_>| say(format!("  {name:<44} {us:>8.1}"));
    one(
        "open a document as save() writes it",
        time(&|n| drop(document::load(&records[n].deflated, &[]).unwrap())),
        say,
    );
    one(
        "open one without inner compression",
        time(&|n| drop(document::load(&records[n].plain, &[]).unwrap())),
        say,
    );
    one(
        "open a lean one, to edit it",
        time(&|n| drop(document::load(&lean[n], &[]).unwrap())),
        say,
    );
    one("open a lean one, to read it", time(&|n| drop(lean::read(&lean[n]).unwrap())), say);
    one(
        "project a lean one from its bytes",
        time(&|n| project(n, &lean::read(&lean[n]).unwrap())),
        say,
    );
    one("project an open one", time(&|n| project(n, &docs[n])), say);
    one("save()", time(&|n| drop(docs[n].save())), say);
    one("save without inner compression", time(&|n| drop(lean::save(&docs[n]))), say);
    one("strip", time(&|n| drop(lean::strip(&records[n].plain).unwrap())), say);
}
