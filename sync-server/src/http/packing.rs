//! Which packed form of a file a client takes.

use axum::http::{HeaderMap, header};

/// How the bytes of a file may be packed, the smallest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    Brotli,
    Gzip,
}

impl Packing {
    /// In the order in which they are preferred.
    pub(super) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Its name in HTTP.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// How files that are packed so end.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// Whether a client takes it: it lists what it takes, each with a weight, of which 0 means no.
    pub(super) fn is_taken(self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        let lists = lines.filter_map(|line| line.to_str().ok());
        let mut by_star = false;
        for one in lists.flat_map(|list| list.split(',')) {
            let (name, weight) = one.split_once(';').unwrap_or((one, ""));
            let weight =
                weight.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
            let wanted = weight.is_none_or(|weight| weight > 0.0);
            match name.trim() {
                "*" => by_star = wanted,
                name if name.eq_ignore_ascii_case(self.name()) => return wanted,
                _ => {}
            }
        }
        by_star
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_packed_bytes_only_if_it_says_so() {
        let taken = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accept.parse().expect("a header"));
            Packing::ALL.map(|packing| packing.is_taken(&headers))
        };
        assert_eq!(taken("gzip, deflate, br, zstd"), [true, true]);
        assert_eq!(taken("gzip;q=0.5, BR; q=1.0"), [true, true]);
        assert_eq!(taken("gzip, br;q=0"), [false, true]);
        assert_eq!(taken("*"), [true, true]);
        assert_eq!(taken("*;q=0, gzip"), [false, true]);
        assert_eq!(taken("identity"), [false, false]);
        assert_eq!(taken("brotli"), [false, false]);
        assert!(!Packing::Gzip.is_taken(&HeaderMap::new()));
    }
}
