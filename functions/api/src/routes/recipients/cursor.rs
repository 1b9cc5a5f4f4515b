//! Where a page begins.

use std::fmt;
use std::str::FromStr;

/// A place in a campaign's ledger, as `lane.batch.position`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) lane: u8,
    pub(super) seq: u32,
    pub(super) position: usize,
}

impl Cursor {
    /// The beginning of a lane.
    pub(super) fn lane(lane: u8) -> Self {
        Self { lane, ..Self::default() }
    }

    /// The beginning of the lane after this one, if the campaign has so many.
    pub(super) fn next_lane(self, lanes: u8) -> Option<Self> {
        self.lane.checked_add(1).filter(|lane| *lane < lanes).map(Self::lane)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.lane, self.seq, self.position)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        Ok(Self {
            lane: part()?.parse().map_err(drop)?,
            seq: part()?.parse().map_err(drop)?,
            position: part()?.parse().map_err(drop)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "1", "1.2", "a.b.c", "1.2.3.4", "999.1.1"] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }

    #[test]
    fn behind_the_last_lane_there_is_nothing() {
        assert_eq!(Cursor::lane(2).next_lane(4), Some(Cursor::lane(3)));
        assert_eq!(Cursor::lane(3).next_lane(4), None);
        assert_eq!(Cursor::lane(u8::MAX).next_lane(64), None);
    }
}
