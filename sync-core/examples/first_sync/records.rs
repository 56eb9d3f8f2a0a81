//! Made-up accounts: the same ones in every run.

use sync_core::cell::Row;
use sync_core::document::{self, Pen, PenRole, RecordEdit, hydrate, lean};
use sync_core::ids::{Actor, EventId, RecordId, UserId};
use sync_core::projection::{self, Stamp};
use sync_core::schema::Kind;
use sync_core::time::UnixMs;
use uuid::Uuid;

const NOW: i64 = 1_790_000_000_000;
/// Records that one open writer makes before the app is started anew.
const RECORDS_A_WRITER: usize = 40;

/// One record in every form in which it may lie on the server.
pub(crate) struct Record {
    pub(crate) id: RecordId,
    /// As `save()` writes it, deflated inside.
    pub(crate) deflated: Vec<u8>,
    /// Saved without that.
    pub(crate) plain: Vec<u8>,
    /// The creating change, plain.
    pub(crate) change: Vec<u8>,
    pub(crate) row: Row,
}

pub(crate) fn kind() -> Kind {
    sync_core::crm::schema().kind("organization").unwrap().clone()
}

/// Numbers that look random and are not.
pub(crate) struct Lot(u64);

impl Lot {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| (self.next() >> 40) as u8)
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.next() as usize % words.len()]
    }

    fn up_to(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

const SYLLABLES: &[&str] = &[
    "al", "ber", "cor", "da", "el", "fen", "gar", "hu", "il", "jo", "ka", "lin", "mo", "nor", "os",
    "pe", "quin", "ro", "sa", "tor", "ul", "va", "wen", "xi", "yan", "zan", "bri", "cha", "dro",
    "fla", "gre", "sto",
];
const HOUSES: &[&str] =
    &["Kitchen", "Grill", "Bistro", "Diner", "Cafe", "Tavern", "Bakery", "Deli"];
const CUISINES: &[&str] = &["Thai", "Italian", "Mexican", "American", "Greek", "Indian", "French"];
const SEGMENTS: &[&str] = &["fine dining", "schools", "hospitals", "hotels", "quick service"];
const TYPES: &[&str] = &["independent", "chain", "institution"];
const CITIES: &[&str] = &["Albany", "Troy", "Utica", "Syracuse", "Buffalo", "Rochester", "Ithaca"];
const WORDS: &[&str] = &[
    "orders",
    "closed",
    "monday",
    "tuesday",
    "ask",
    "for",
    "the",
    "chef",
    "back",
    "door",
    "pays",
    "late",
    "wants",
    "samples",
    "oil",
    "walk-in",
    "full",
    "likes",
    "frozen",
    "line",
    "renewal",
    "spring",
    "two",
    "more",
    "sites",
    "prefers",
    "a",
    "call",
    "before",
    "ten",
    "new",
    "owner",
    "menu",
    "change",
    "in",
    "fall",
    "price",
    "of",
    "beef",
    "fries",
    "delivery",
    "early",
    "again",
    "no",
    "answer",
    "manager",
    "out",
    "until",
    "friday",
    "sent",
    "quote",
    "competitor",
    "lower",
];

impl Lot {
    /// A made-up word, capitalised.
    fn name(&mut self) -> String {
        let word: String = (0..2 + self.up_to(2)).map(|_| self.of(SYLLABLES)).collect();
        word[..1].to_uppercase() + &word[1..]
    }

    fn note(&mut self) -> String {
        let words: Vec<&str> = (0..8 + self.up_to(12)).map(|_| self.of(WORDS)).collect();
        words.join(" ") + "."
    }
}

/// Accounts of one change each, in the order in which they were made.
pub(crate) fn accounts(count: usize) -> Vec<Record> {
    let mut lot = Lot::new(7);
    let reps: Vec<UserId> = (0..20).map(|_| UserId(Uuid::from_bytes(lot.bytes()))).collect();
    let mut writer = (Actor(lot.bytes()), reps[0]);
    let made = (0..count).map(|n| {
        if n % RECORDS_A_WRITER == 0 {
            writer = (Actor(lot.bytes()), reps[lot.up_to(20) as usize]);
        }
        let now = UnixMs(NOW + n as i64 * 61_000);
        let pen = Pen { actor: writer.0, author: writer.1, now, role: PenRole::Device };
        account(&mut lot, &pen)
    });
    made.collect()
}

fn account(lot: &mut Lot, pen: &Pen) -> Record {
    let id = RecordId::mint(pen.now, lot.bytes());
    let name = format!("{} {} {}", lot.name(), lot.name(), lot.of(HOUSES));
    let site = format!("https://{}.example.com", name.to_lowercase().replace(' ', "-"));
    let street = format!("{} {} Street", 1 + lot.up_to(900), lot.name());
    let post = format!("{}", 12_000 + lot.up_to(900));
    let phone = format!("+1518{:07}", lot.up_to(10_000_000));
    let people = format!("{}", 2 + lot.up_to(120));
    let notes = lot.note();
    let pairs = [
        ("name", name.as_str()),
        ("organization_type", lot.of(&["prospect", "customer"])),
        ("industry_segment", lot.of(SEGMENTS)),
        ("business_type", lot.of(TYPES)),
        ("cuisine", lot.of(CUISINES)),
        ("website", &site),
        ("employee_count", &people),
        ("priority_level", lot.of(&["A", "B", "C", "D"])),
        ("billing_address.street", &street),
        ("billing_address.city", lot.of(CITIES)),
        ("billing_address.state", "NY"),
        ("billing_address.postal_code", &post),
        ("phones", &phone),
        ("account_status.value", "active"),
        ("notes", &notes),
    ];
    let edit = RecordEdit::parse(&kind(), pairs).unwrap();
    let mint = || EventId(Uuid::from_u128(1));
    let (doc, change) = document::create(&kind(), id, &edit, pen, &mut { mint }).unwrap();
    record(id, &doc, change.bytes)
}

fn record(id: RecordId, doc: &automerge::Automerge, change: Vec<u8>) -> Record {
    let row = projection::project(id, &hydrate(doc, &kind()), Stamp::of_document(doc));
    Record { id, deflated: doc.save(), plain: lean::save(doc), change, row }
}

/// The same accounts after five edits each, by twelve writers in all.
pub(crate) fn edited(records: &[Record]) -> Vec<Record> {
    let mut lot = Lot::new(11);
    let writers: Vec<(Actor, UserId)> =
        (0..12).map(|_| (Actor(lot.bytes()), UserId(Uuid::from_bytes(lot.bytes())))).collect();
    let edited = records.iter().enumerate().map(|(n, record_before)| {
        let mut doc = document::load(&record_before.plain, &[]).unwrap();
        for step in 0..5 {
            let (actor, author) = writers[lot.up_to(12) as usize];
            let now = UnixMs(NOW + (20_000 + n as i64 * 5 + step) * 61_000);
            let pen = Pen { actor, author, now, role: PenRole::Device };
            let (people, notes) = (lot.up_to(500).to_string(), lot.note());
            let pair = match step {
                0 => ("priority_level", lot.of(&["A", "B"])),
                1 => ("cuisine", lot.of(CUISINES)),
                2 => ("employee_count", people.as_str()),
                3 => ("business_type", lot.of(TYPES)),
                _ => ("notes", notes.as_str()),
            };
            let edit = RecordEdit::parse(&kind(), [pair]).unwrap();
            let shown = hydrate(&doc, &kind());
            let mint = || EventId(Uuid::from_u128(1));
            document::edit(&mut doc, &shown, &edit, &pen, &mut { mint }).unwrap();
        }
        record(record_before.id, &doc, record_before.change.clone())
    });
    edited.collect()
}
