//! In which signs a file is written, and its lines.

use std::fmt;
use std::io::{self, BufRead, Read};

use sha2::{Digest, Sha256};

use super::source::Source;

/// How a file's signs are written as bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// UTF-8, with or without a mark at its beginning.
    Utf8,
    /// UTF-16, the lower byte first.
    Utf16Le,
    /// UTF-16, the higher byte first.
    Utf16Be,
    /// What Windows writes in the west, and with it ISO-8859-1.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

impl Encoding {
    /// Its name for programs, which [`Encoding::named`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// The encoding of this name.
    pub fn named(name: &str) -> Option<Self> {
        match crate::words::plain(name).as_str() {
            "utf8" => Some(Self::Utf8),
            "utf16" | "utf16le" | "unicode" => Some(Self::Utf16Le),
            "utf16be" => Some(Self::Utf16Be),
            "windows1252" | "cp1252" | "latin1" | "iso88591" | "ansi" => Some(Self::Windows1252),
            _ => None,
        }
    }
}

/// What a look through the whole file tells before it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes {
    /// How its signs are written.
    pub encoding: Encoding,
    /// Whether its lines end with a carriage return alone.
    pub old_mac: bool,
    /// What tells this content from any other.
    pub digest: [u8; 32],
}

impl Bytes {
    /// Looks through a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(source: &dyn Source) -> io::Result<Self> {
        let mut file = source.open()?;
        let mut digest = Sha256::new();
        let (mut buffer, mut begin) = (vec![0; 64 << 10], Vec::new());
        // The bytes of a sign that stood across two parts.
        let mut rest: Vec<u8> = Vec::new();
        let mut is_utf8 = true;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            let part = &buffer[..count];
            digest.update(part);
            if begin.len() < buffer.len() {
                begin.extend_from_slice(part);
            }
            if is_utf8 {
                rest.extend_from_slice(part);
                match std::str::from_utf8(&rest) {
                    Ok(_) => rest.clear(),
                    Err(error) if error.error_len().is_none() => {
                        rest.drain(..error.valid_up_to());
                    }
                    Err(_) => is_utf8 = false,
                }
            }
        }
        is_utf8 &= rest.is_empty();
        let encoding = match begin.as_slice() {
            [0xff, 0xfe, ..] => Encoding::Utf16Le,
            [0xfe, 0xff, ..] => Encoding::Utf16Be,
            // Western text in UTF-16 has a zero in every other byte.
            begin if zeros(begin, 1) => Encoding::Utf16Le,
            begin if zeros(begin, 0) => Encoding::Utf16Be,
            _ if is_utf8 => Encoding::Utf8,
            _ => Encoding::Windows1252,
        };
        let old_mac = begin.contains(&b'\r') && !begin.contains(&b'\n');
        Ok(Self { encoding, old_mac, digest: digest.finalize().into() })
    }
}

/// Whether most bytes at even (0) or odd (1) places are zero.
fn zeros(bytes: &[u8], from: usize) -> bool {
    let places = bytes.iter().skip(from).step_by(2);
    let zeros = places.clone().filter(|byte| **byte == 0).count();
    zeros > 2 && zeros * 10 > places.count() * 7
}

/// One line of a file, without what ends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    pub(super) text: String,
}

/// The lines of a file, one after the other.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    encoding: Encoding,
    old_mac: bool,
    number: u64,
}

impl Lines {
    pub(super) fn open(source: &dyn Source, encoding: Encoding, old_mac: bool) -> io::Result<Self> {
        Ok(Self { reader: source.open()?, encoding, old_mac, number: 0 })
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let end = if self.old_mac { b'\r' } else { b'\n' };
        let mut bytes = Vec::new();
        let wide = matches!(self.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
        if wide {
            self.read_units(end, &mut bytes)?;
        } else {
            self.reader.read_until(end, &mut bytes)?;
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let mut text = self.decode(&bytes);
        if text.ends_with(end as char) {
            text.pop();
        }
        if text.ends_with('\r') {
            text.pop();
        }
        if self.number == 1 && text.starts_with('\u{feff}') {
            text.remove(0);
        }
        Ok(Some(Line { number: self.number, text }))
    }

    fn read_units(&mut self, end: u8, bytes: &mut Vec<u8>) -> io::Result<()> {
        let ending = match self.encoding {
            Encoding::Utf16Be => [0, end],
            _ => [end, 0],
        };
        loop {
            let mut unit = [0; 2];
            let count = self.reader.read(&mut unit)?;
            if count == 1 {
                // A unit may lie across what the reader holds.
                if self.reader.read(&mut unit[1..])? == 0 {
                    bytes.extend_from_slice(&unit);
                    return Ok(());
                }
            }
            if count == 0 {
                return Ok(());
            }
            bytes.extend_from_slice(&unit);
            if unit == ending {
                return Ok(());
            }
        }
    }

    fn decode(&self, bytes: &[u8]) -> String {
        match self.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Windows1252 => bytes.iter().map(|byte| windows(*byte)).collect(),
            Encoding::Utf16Le | Encoding::Utf16Be => {
                let unit = |pair: &[u8]| match (self.encoding, pair) {
                    (Encoding::Utf16Be, [a, b]) => u16::from_be_bytes([*a, *b]),
                    (_, [a, b]) => u16::from_le_bytes([*a, *b]),
                    _ => 0xfffd,
                };
                let units: Vec<u16> = bytes.chunks(2).map(unit).collect();
                String::from_utf16_lossy(&units)
            }
        }
    }
}

/// A byte of Windows-1252; five of them are no sign.
fn windows(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
        '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ',
        '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}
