//! Values, keys and events as no app writes them and a stranger might: each of the right type often
//! enough that the guard takes it.

use std::collections::BTreeMap;

use automerge::ScalarValue;
use serde_json::{Value as Json, json};
use sync_core::document::Value;
use sync_core::schema::{
    CURRENCIES, EventPartType, Field, FieldType, Log, Part, PartType, SetOf, Writer,
};
use sync_core::testing::Random;
use sync_server::clock::now;
use uuid::Uuid;

const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "\0",
    "a\0b",
    "\u{1}\u{7f}",
    "\u{feff}",
    "\u{fffe}\u{ffff}",
    "\u{10ffff}",
    "\u{202e}x",
    "e\u{301}",
    "'; DROP TABLE public.users; --",
    "\\u0000",
    "\\",
    "\"",
    "{}",
    "{a,\"b\"}",
    "NULL",
    "null",
    "%s %n",
    "a\r\nb\tc",
    "infinity",
    "NaN",
    "-0",
    "=1+1",
    "0001-01-01",
    "2024-02-29",
    "$1",
    ":name",
    "yes",
];
const DAYS: &[&str] = &[
    "0001-01-01",
    "9999-12-31",
    "0000-01-01",
    "0000-12-31",
    "2024-02-29",
    "2023-02-29",
    "2026-1-1",
    "infinity",
    "today",
    "-001-01-01",
    "2026-01-01 BC",
    "20260101T0",
    "1582-10-10",
];
const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    90.0,
    -90.0,
    180.0,
    -180.0,
    90.000_000_1,
    1e-7,
    5e-324,
    f64::MIN_POSITIVE,
    20_100_000.0,
    1e308,
    0.1,
    1.0 / 3.0,
    -73.985_428_123_456_78,
];
const WHOLE: &[i64] = &[0, 1, -1, 100, 10_000_000_000_000, 10_000_000_000_001, i64::MAX, i64::MIN];
const MOMENTS: &[i64] = &[
    0,
    -62_135_596_800_000,
    -62_135_596_800_001,
    253_402_207_200_000,
    253_402_207_200_001,
    i64::MAX,
    i64::MIN,
    1,
];

/// What draws odd things, about people who are there.
pub(super) struct Odd {
    pub(super) random: Random,
    pub(super) people: Vec<Uuid>,
}

impl Odd {
    pub(super) fn text(&mut self) -> String {
        match self.random.below(8) {
            0 => "ü".repeat(self.random.pick(&[1, 3, 100, 255, 256, 4096]).copied().unwrap()),
            1 => format!("{}{}", self.text(), self.text()),
            _ => (*self.random.pick(TEXTS).unwrap()).to_owned(),
        }
    }

    fn day(&mut self) -> String {
        (*self.random.pick(DAYS).unwrap()).to_owned()
    }

    fn id(&mut self) -> String {
        match self.random.below(6) {
            0 => self.text(),
            1 => self.random.uuid().to_string().to_uppercase(),
            2 => Uuid::nil().to_string(),
            _ => self.random.pick(&self.people).unwrap().to_string(),
        }
    }

    /// Any small JSON, mostly a scalar.
    fn json(&mut self) -> Json {
        match self.random.below(8) {
            0 => json!(self.random.pick(FLOATS)),
            1 => json!(self.random.pick(WHOLE)),
            2 => json!(u64::MAX),
            3 => json!([self.text()]),
            4 => json!({ self.text(): self.text() }),
            5 => Json::Null,
            _ => json!(self.text()),
        }
    }

    fn part(&mut self, part: &Part) -> Json {
        match part.ty {
            _ if self.random.percent(5) => self.json(),
            PartType::Int { .. } | PartType::Moment => json!(self.random.pick(WHOLE)),
            PartType::Currency if self.random.percent(70) => json!(self.random.pick(CURRENCIES)),
            PartType::Float { .. } => json!(self.random.pick(FLOATS)),
            PartType::Date => json!(self.day()),
            PartType::Choice(words) if self.random.percent(70) => json!(self.random.pick(words)),
            PartType::Str { .. } | PartType::Choice(_) | PartType::Currency => json!(self.text()),
        }
    }

    fn parts(&mut self, parts: &[Part]) -> ScalarValue {
        let mut whole: BTreeMap<String, Json> = BTreeMap::new();
        for part in parts {
            if self.random.percent(70) {
                whole.insert(part.name.to_owned(), self.part(part));
            }
        }
        if self.random.percent(40) {
            whole.insert(self.text(), self.json());
        }
        ScalarValue::Str(serde_json::to_string(&whole).unwrap().into())
    }

    /// A scalar for a register, or for a key of a newer app.
    pub(super) fn scalar(&mut self, field: Option<&Field>) -> ScalarValue {
        let Some(field) = field.filter(|_| !self.random.percent(4)) else {
            return match self.random.below(7) {
                0 => ScalarValue::F64(*self.random.pick(FLOATS).unwrap()),
                1 => ScalarValue::F64(f64::NAN),
                2 => ScalarValue::Bytes(vec![0, 255]),
                3 => ScalarValue::Timestamp(*self.random.pick(MOMENTS).unwrap()),
                4 => ScalarValue::Uint(u64::MAX),
                5 => ScalarValue::Int(*self.random.pick(WHOLE).unwrap()),
                _ => ScalarValue::Str(self.text().into()),
            };
        };
        match field.ty {
            FieldType::Choice { of, .. } if self.random.percent(50) => {
                ScalarValue::Str((*self.random.pick(of).unwrap()).into())
            }
            FieldType::Int { min, max } => {
                let edges = [min, max, min.saturating_sub(1), max.saturating_add(1), 0];
                ScalarValue::Int(*self.random.pick(&edges).unwrap())
            }
            FieldType::Bool => ScalarValue::Boolean(self.random.percent(50)),
            FieldType::Date => ScalarValue::Str(self.day().into()),
            FieldType::Instant => ScalarValue::Timestamp(*self.random.pick(MOMENTS).unwrap()),
            FieldType::Ref { .. } => ScalarValue::Str(self.id().into()),
            FieldType::Parts(parts) => self.parts(parts),
            _ => ScalarValue::Str(self.text().into()),
        }
    }

    /// A key of a set.
    pub(super) fn key(&mut self, of: SetOf) -> String {
        match of {
            SetOf::Words => self.text(),
            SetOf::Emails => format!("{}@{}.example", self.text(), self.text()),
            SetOf::Phones => format!("+49{}", self.random.below(1_000_000_000)),
            SetOf::Ids => self.id(),
        }
    }

    /// An event of a log, written by somebody.
    pub(super) fn event(&mut self, log: &Log, by: Uuid) -> String {
        let mut event: BTreeMap<String, Json> = BTreeMap::new();
        for part in log.parts.iter().filter(|part| part.writer == Writer::Anyone) {
            let value = match part.ty {
                EventPartType::Word(words) => json!(self.random.pick(words)),
                EventPartType::Text { .. } => json!(self.text()),
                EventPartType::Day => json!(self.day()),
                EventPartType::Id => json!(self.id()),
            };
            event.insert(part.name.to_owned(), value);
        }
        if self.random.percent(50) {
            event.insert(self.text(), self.json());
        }
        event.insert("at".into(), json!(now().0));
        event.insert("by".into(), json!(by.to_string()));
        serde_json::to_string(&event).unwrap()
    }
}

/// Whether a scalar holds U+0000, plainly or in the JSON of parts and events.
pub(super) fn holds_nul(scalar: &ScalarValue) -> bool {
    fn within(json: &Json) -> bool {
        match json {
            Json::String(text) => text.contains('\0'),
            Json::Array(items) => items.iter().any(within),
            Json::Object(parts) => parts.iter().any(|(key, one)| key.contains('\0') || within(one)),
            _ => false,
        }
    }
    let text = scalar.as_str().unwrap_or_default();
    let json: Option<Json> = serde_json::from_str(text).ok().filter(Json::is_object);
    text.contains('\0') || json.is_some_and(|json| within(&json))
}

/// A value that a device writes for a field that a record cannot do without.
pub(super) fn plain(field: &Field, account: Uuid, user: Uuid) -> ScalarValue {
    let value = match field.ty {
        FieldType::Ref { kind: "user" } => Value::Str(user.to_string()),
        FieldType::Ref { .. } => Value::Str(account.to_string()),
        FieldType::Instant => Value::Instant(now()),
        FieldType::Choice { of, .. } => Value::Str(of[0].to_owned()),
        _ => Value::Str("Plain".into()),
    };
    value.to_scalar()
}
