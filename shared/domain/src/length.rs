//! Lengths of time as people write them: `1h`, `90s`, `1h30m`.

/// A length of time in seconds from `1h30m`, `90s` and the like.
#[must_use]
pub fn seconds(text: &str) -> Option<u32> {
    let (mut rest, mut sum, mut last) = (text.trim(), 0_u32, u32::MAX);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let unit_at = rest.find(|it: char| !it.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(unit_at);
        let unit = match tail.chars().next()? {
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        // Each unit once, the largest first.
        if unit >= last {
            return None;
        }
        sum = sum.checked_add(digits.parse::<u32>().ok()?.checked_mul(unit)?)?;
        (rest, last) = (tail.get(1..)?, unit);
    }
    Some(sum)
}

/// The same, written in one unit: the largest that it is a whole number of.
#[must_use]
pub fn written(seconds: u32) -> String {
    match seconds {
        s if s > 0 && s.is_multiple_of(3_600) => format!("{}h", s / 3_600),
        s if s > 0 && s.is_multiple_of(60) => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_written() {
        for (text, seconds_) in
            [("1h", 3_600), ("90s", 90), ("1h30m", 5_400), ("1h0m5s", 3_605), ("168h", 604_800), ("0s", 0)]
        {
            assert_eq!(seconds(text), Some(seconds_), "{text}");
        }
        for text in ["", "1", "h", "-1h", "1.5h", "1d", "1m1h", "1s1s", "99999999h", "ähm"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!([3_600, 5_400, 90, 604_800, 0].map(written), ["1h", "90m", "90s", "168h", "0s"]);
    }
}
