//! Which of several forms a caller wants: the `Accept` header (RFC 9110, 12.5.1).
//!
//! Of the ranges that match an offer, the most specific one says its quality. The offer of the best quality
//! wins; between equals the one that was named more exactly, then the one that is offered first. Parameters
//! other than `q` are read over, and a range that is not well formed is as good as absent.

/// The best of `offered` for this header; the first where the header is empty, `None` if it takes none.
pub(crate) fn choose<'a>(accept: &str, offered: &[&'a str]) -> Option<&'a str> {
    if accept.trim().is_empty() {
        return offered.first().copied();
    }
    let ranges: Vec<Range> = accept.split(',').filter_map(Range::parse).collect();
    let rank = |offer: &str| {
        let matching = ranges.iter().filter(|range| range.takes(offer));
        let best = matching.max_by_key(|range| range.exactness())?;
        (best.quality > 0).then(|| (best.quality, best.exactness()))
    };
    // `max_by_key` answers the last of equals.
    let ranked = offered.iter().rev().filter_map(|offer| Some((rank(offer)?, *offer)));
    ranked.max_by_key(|(rank, _)| *rank).map(|(_, offer)| offer)
}

/// One media range, in lower case.
struct Range {
    kind: String,
    subtype: String,
    /// In thousandths.
    quality: u16,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut weight = None;
        for parameter in parts {
            match parameter.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => weight = Some(value.trim()),
                _ => {}
            }
        }
        let quality = weight.map_or(Some(1_000), thousandths)?;
        Some(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), quality })
    }

    fn takes(&self, offer: &str) -> bool {
        let (kind, subtype) = offer.split_once('/').unwrap_or((offer, ""));
        (self.kind == "*" || self.kind == kind) && (self.subtype == "*" || self.subtype == subtype)
    }

    fn exactness(&self) -> u8 {
        u8::from(self.kind != "*") + u8::from(self.subtype != "*")
    }
}

/// A weight: 0 to 1 with at most three decimals (RFC 9110, 12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", _) => Some(decimals),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_offer_is_chosen() {
        let offered = ["application/json", "text/csv", "application/x-ndjson"];
        for (accept, chosen) in [
            ("", Some(0)),
            ("*/*", Some(0)),
            ("text/csv", Some(1)),
            ("TEXT/CSV; header=present", Some(1)),
            ("application/x-ndjson, */*;q=0.1", Some(2)),
            ("text/*", Some(1)),
            ("application/*", Some(0)),
            ("text/csv, */*", Some(1)),
            ("application/json;q=0.5, text/csv;q=0.51", Some(1)),
            ("*/*, application/json;q=0", Some(1)),
            ("application/*;q=0.9, application/json;q=0.2, text/csv;q=0.3", Some(2)),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(0)),
            ("text/csv;q=2, application/x-ndjson", Some(2)),
            ("text/html", None),
            ("text/csv;q=0", None),
            ("csv", None),
        ] {
            assert_eq!(choose(accept, &offered), chosen.map(|at: usize| offered[at]), "{accept}");
        }
    }

    #[test]
    fn weights_are_those_of_the_rfc() {
        let weights = ["0", "1", "0.5", "0.125", "1.000", "1.5", "0.1234", ".5", "0.x", "-1", ""];
        let read = [0, 1_000, 500, 125, 1_000].map(Some).into_iter().chain([None; 6]);
        assert!(weights.map(thousandths).into_iter().eq(read));
    }
}
