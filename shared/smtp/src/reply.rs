//! Reading replies (RFC 5321 4.2): `250-first line`, `250 last line`.
//!
//! Bytes come in as the network cuts them; [`ReplyReader`] hands out whole replies and keeps the
//! rest. It is strict where a mistake would let replies get out of step (a code that changes within
//! one reply) and lenient where it would not (a lone LF, a missing text). What it keeps is bounded.

use std::fmt;
use std::ops::Range;

/// Longest reply line accepted, in octets. RFC 5321 4.5.3.1.5 says 512; servers exceed it.
const MAX_LINE: usize = 4096;

/// Most lines of one reply. The longest EHLO replies in the field have about 20.
const MAX_LINES: usize = 100;

/// Why the bytes of a server are no SMTP reply. Does not repeat them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Not three digits from 200 to 559 and then a space, a hyphen or the end of the line.
    #[error("a line does not start with a reply code")]
    NoCode,
    /// Lines of one reply have different codes.
    #[error("the code changes within one reply")]
    CodeChanges,
    /// More than 4096 octets without a line end.
    #[error("a line is longer than {MAX_LINE} octets")]
    LineTooLong,
    /// More than 100 lines.
    #[error("a reply has more than {MAX_LINES} lines")]
    TooManyLines,
    /// The question of an AUTH mechanism is not base64 (RFC 4954 section 4).
    #[error("the challenge of AUTH is not base64")]
    Challenge,
    /// Something came although nothing had been asked, so later replies would be one off.
    #[error("the server spoke although it was not asked")]
    Unasked,
}

/// An enhanced status code: class, subject, detail (RFC 3463, in replies by RFC 2034).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enhanced {
    /// 2, 4 or 5; always the first digit of the reply code.
    pub class: u8,
    /// What it is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// More about it.
    pub detail: u16,
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One complete reply. `Display` and `Debug` show codes only, as the text may echo addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    enhanced: Option<Enhanced>,
    /// Lines joined by LF.
    text: String,
}

impl Reply {
    /// The reply code, 200 to 559.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code at the start of the text, if there is one and it fits the code.
    pub fn enhanced(&self) -> Option<Enhanced> {
        self.enhanced
    }

    /// What the server wrote, lines joined by LF, codes of the lines left out, bytes that are not
    /// UTF-8 replaced. **May hold personal data**: not for logs.
    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// The first digit of the code: 2 done, 3 go on, 4 not now, 5 no.
    pub(crate) fn class(&self) -> u16 {
        self.code / 100
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.enhanced {
            Some(enhanced) => write!(f, "{} {enhanced}", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

/// Takes bytes, gives replies. Several replies in one read are copied once.
#[derive(Debug, Default)]
pub(crate) struct ReplyReader {
    /// What the network brought; consumed up to `start`, without a line end from there to `scanned`.
    pending: Vec<u8>,
    start: usize,
    scanned: usize,
    /// The reply under way: its code, its text and how many lines that is.
    code: Option<u16>,
    text: String,
    lines: usize,
}

impl ReplyReader {
    /// Adds what the network brought.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        // Only the beginning of a line is left over when more must be read.
        self.pending.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.pending.extend_from_slice(bytes);
    }

    /// Nothing is left over and no reply is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.len() == self.start && self.code.is_none()
    }

    /// The next complete reply; `None` until more bytes come. After an error the stream is lost.
    pub(crate) fn next(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(line) = self.take_line()? {
            let (code, last, text) = parse_line(&self.pending[line])?;
            if *self.code.get_or_insert(code) != code {
                return Err(ReplyError::CodeChanges);
            }
            if self.lines == MAX_LINES {
                return Err(ReplyError::TooManyLines);
            }
            if self.lines > 0 {
                self.text.push('\n');
            }
            match str::from_utf8(text) {
                Ok(text) => self.text.push_str(text),
                Err(_) => self.text.push_str(&String::from_utf8_lossy(text)),
            }
            self.lines += 1;
            if last {
                (self.code, self.lines) = (None, 0);
                return Ok(Some(complete(code, std::mem::take(&mut self.text))));
            }
        }
        Ok(None)
    }

    /// Where the next line is, without its end.
    fn take_line(&mut self) -> Result<Option<Range<usize>>, ReplyError> {
        let start = self.start;
        let Some(found) = self.pending[self.scanned..].iter().position(|&b| b == b'\n') else {
            self.scanned = self.pending.len();
            return if self.scanned - start > MAX_LINE { Err(ReplyError::LineTooLong) } else { Ok(None) };
        };
        let end = self.scanned + found;
        if end - start > MAX_LINE {
            return Err(ReplyError::LineTooLong);
        }
        (self.start, self.scanned) = (end + 1, end + 1);
        let end = if self.pending[start..end].ends_with(b"\r") { end - 1 } else { end };
        Ok(Some(start..end))
    }
}

/// Code, whether it is the reply's last line, text.
fn parse_line(line: &[u8]) -> Result<(u16, bool, &[u8]), ReplyError> {
    let (code, rest) = match line {
        // The ranges are those of the grammar in RFC 5321 4.2.
        [a @ b'2'..=b'5', b @ b'0'..=b'5', c @ b'0'..=b'9', rest @ ..] => {
            (u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'), rest)
        }
        _ => return Err(ReplyError::NoCode),
    };
    match rest {
        [] => Ok((code, true, rest)),
        [b' ', text @ ..] => Ok((code, true, text)),
        [b'-', text @ ..] => Ok((code, false, text)),
        _ => Err(ReplyError::NoCode),
    }
}

fn complete(code: u16, text: String) -> Reply {
    let enhanced = parse_enhanced(&text).filter(|e| u16::from(e.class) == code / 100);
    Reply { code, enhanced, text }
}

fn parse_enhanced(text: &str) -> Option<Enhanced> {
    let mut parts = text.split([' ', '\t', '\n']).next()?.split('.');
    let mut number =
        || parts.next().filter(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()));
    let class = number()?.parse().ok()?;
    let subject = number()?.parse().ok()?;
    let detail = number()?.parse().ok()?;
    match (class, parts.next()) {
        (2 | 4 | 5, None) => Some(Enhanced { class, subject, detail }),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reply for the tests of other modules, written as the server writes it.
    pub(crate) fn reply(wire: &str) -> Reply {
        read(format!("{wire}\r\n").as_bytes()).unwrap().unwrap()
    }

    fn read(wire: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let mut reader = ReplyReader::default();
        reader.push(wire);
        reader.next()
    }

    #[test]
    fn a_reply_has_code_enhanced_code_and_text() {
        let reply = reply("550-5.1.1 no such user\r\n550 5.1.1 really");
        assert_eq!(reply.code(), 550);
        assert_eq!(reply.enhanced(), Some(Enhanced { class: 5, subject: 1, detail: 1 }));
        assert_eq!(reply.text(), "5.1.1 no such user\n5.1.1 really");
    }

    #[test]
    fn enhanced_codes_are_taken_only_where_they_stand_and_fit() {
        let enhanced = |wire| reply(wire).enhanced().map(|e| e.to_string());
        assert_eq!(enhanced("452 4.12.345 x").as_deref(), Some("4.12.345"));
        assert_eq!(enhanced("250 2.0.0").as_deref(), Some("2.0.0"));
        for none in
            ["550 4.1.1 x", "250 ok 2.0.0", "250 2.0 x", "250 2.0.0.0 x", "250 2.0.1234", "250 3.0.0", "250"]
        {
            assert_eq!(enhanced(none), None, "{none}");
        }
    }

    #[test]
    fn lenient_where_it_is_safe() {
        assert_eq!(reply("250").text(), "");
        assert_eq!(read(b"250 ok\n").unwrap().unwrap().text(), "ok");
        assert_eq!(read(b"250 \xff\r\n").unwrap().unwrap().text(), "\u{fffd}");
    }

    #[test]
    fn strict_where_replies_could_get_out_of_step() {
        let table: [(&[u8], ReplyError); 8] = [
            (b"\r\n", ReplyError::NoCode),
            (b"25 ok\r\n", ReplyError::NoCode),
            (b"150 ok\r\n", ReplyError::NoCode),
            (b"600 ok\r\n", ReplyError::NoCode),
            (b"2500 ok\r\n", ReplyError::NoCode),
            (b"250-a\r\n550 b\r\n", ReplyError::CodeChanges),
            (&[b'2'; 5000], ReplyError::LineTooLong),
            (b"HTTP/1.1 400 Bad Request\r\n", ReplyError::NoCode),
        ];
        for (wire, error) in table {
            assert_eq!(read(wire), Err(error), "{}", String::from_utf8_lossy(wire));
        }
    }

    #[test]
    fn length_and_number_of_lines_are_bounded() {
        let line = |n: usize| format!("250 {}\r\n", "x".repeat(n)).into_bytes();
        assert!(read(&line(4000)).unwrap().is_some());
        assert_eq!(read(&line(4096)), Err(ReplyError::LineTooLong));

        let lines = |n: usize| format!("{}250 x\r\n", "250-x\r\n".repeat(n)).into_bytes();
        assert!(read(&lines(99)).unwrap().is_some());
        assert_eq!(read(&lines(100)), Err(ReplyError::TooManyLines));
    }

    #[test]
    fn display_and_debug_hide_the_text() {
        let reply = reply("550 5.1.1 <fan@rcpt.test> unknown");
        assert_eq!(format!("{reply} {reply:?}"), "550 5.1.1 Reply(550 5.1.1)");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20)) {
            let mut reader = ReplyReader::default();
            for chunk in chunks {
                reader.push(&chunk);
                while let Ok(Some(_)) = reader.next() {}
            }
        }

        #[test]
        fn nearly_right_bytes_never_panic(wire in "([2-5][0-5][0-9][ -]?[0-9.]{0,9}[^\\n]{0,5}\r?\n){0,5}") {
            let mut reader = ReplyReader::default();
            reader.push(wire.as_bytes());
            while let Ok(Some(_)) = reader.next() {}
        }

        #[test]
        fn replies_do_not_depend_on_where_the_network_cuts(
            texts in prop::collection::vec("[ -~]{0,20}", 1..5),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let mut wire: String = texts.iter().map(|t| format!("250-{t}\r\n")).collect();
            wire.push_str("250 end\r\n354 go\r\n");
            let mut cuts: Vec<usize> = cuts.iter().map(|c| c.index(wire.len())).collect();
            cuts.extend([0, wire.len()]);
            cuts.sort_unstable();

            let mut reader = ReplyReader::default();
            let mut replies = Vec::new();
            for cut in cuts.windows(2) {
                reader.push(&wire.as_bytes()[cut[0]..cut[1]]);
                while let Some(reply) = reader.next().unwrap() {
                    replies.push((reply.code(), reply.text()));
                }
            }

            let text = format!("{}\nend", texts.join("\n"));
            prop_assert_eq!(replies, vec![(250, text), (354, "go".to_owned())]);
            prop_assert!(reader.is_empty());
        }
    }
}
