//! One HTTP/1.1 answer (RFC 9112), read from whatever has come so far.
//!
//! The status line counts from the moment it is there: a connection that breaks in the headers or the body behind
//! it gives a [`Response`] that is not whole, because SES has spoken. Bodies end by length, by chunks, or with
//! the connection; an interim answer (1xx) is skipped.

use httparse::{Header, ParserConfig, Status};
use serde::Deserialize;

use crate::failure::Refusal;

/// Longer heads and bodies are not SES's: fifty results of a bulk call are some 10 KB.
pub(crate) const MAX_BYTES: usize = 512 * 1024;
const MAX_HEADERS: usize = 48;

/// A status line and what came after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// `x-amzn-errortype`, as it came.
    error_type: Option<String>,
    pub(crate) body: Vec<u8>,
    /// All of it came, so that the connection may be used again.
    pub(crate) whole: bool,
    /// The server will keep the connection.
    pub(crate) keep_alive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

struct Head {
    response: Response,
    framing: Framing,
    /// Where the body begins.
    end: usize,
}

impl Response {
    /// The answer at the front of `bytes`, and how many of them it takes; `None` if there is more to come.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, &'static str> {
        let Some(Head { mut response, framing, end }) = head(bytes)? else { return Ok(None) };
        let Some((body, used)) = body(&bytes[end..], framing)? else { return Ok(None) };
        response.body = body;
        response.whole = true;
        Ok(Some((response, end + used)))
    }

    /// What there is of an answer after the connection ended (`closed`) or broke; `None` without a status line.
    pub(crate) fn cut_off(bytes: &[u8], closed: bool) -> Option<Self> {
        match head(bytes) {
            Ok(Some(Head { mut response, framing, end })) => {
                response.body = bytes[end..].to_vec();
                response.whole = closed && framing == Framing::UntilClose;
                Some(response)
            }
            Ok(None) | Err(_) => status_line(bytes).map(Self::with_status),
        }
    }

    fn with_status(status: u16) -> Self {
        Self { status, error_type: None, body: Vec::new(), whole: false, keep_alive: false }
    }

    /// What it says, where it is no success: the error's name without its namespace, and its text.
    pub(crate) fn refusal(&self) -> Refusal {
        let said: ErrorBody = serde_json::from_slice(&self.body).unwrap_or_default();
        let name = self.error_type.as_deref().or(said.kind.as_deref()).unwrap_or_default();
        // `com.amazonaws.sesv2#MessageRejected`, `MessageRejected:http://…` (AWS restJson1, "operation error serialization").
        let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
        let name = name.split(':').next().unwrap_or_default().trim();
        Refusal::new(Some(self.status), name.to_owned(), said.message.unwrap_or_default())
    }
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type", alias = "code")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

fn head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let mut begin = 0;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let used = match ParserConfig::default().parse_response(&mut parsed, &bytes[begin..]) {
            Ok(Status::Complete(used)) => used,
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err("its head is no HTTP/1.1"),
        };
        begin += used;
        let status = parsed.code.unwrap_or_default();
        if !(100..200).contains(&status) {
            return complete(status, parsed.version == Some(1), parsed.headers, begin).map(Some);
        }
    }
}

fn complete(status: u16, is_1_1: bool, headers: &[Header<'_>], end: usize) -> Result<Head, &'static str> {
    let mut response = Response::with_status(status);
    let mut framing = if status == 204 { Framing::Length(0) } else { Framing::UntilClose };
    response.keep_alive = is_1_1;
    for header in headers {
        let value = std::str::from_utf8(header.value).unwrap_or_default().trim();
        if header.name.eq_ignore_ascii_case("content-length") && framing != Framing::Chunked {
            framing = Framing::Length(value.parse().map_err(|_| "its length is no number")?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            response.keep_alive &= !value.eq_ignore_ascii_case("close");
        } else if header.name.eq_ignore_ascii_case("x-amzn-errortype") {
            response.error_type = Some(value.to_owned());
        }
    }
    response.keep_alive &= framing != Framing::UntilClose;
    Ok(Head { response, framing, end })
}

fn body(bytes: &[u8], framing: Framing) -> Result<Option<(Vec<u8>, usize)>, &'static str> {
    match framing {
        Framing::Length(length) if length > MAX_BYTES => Err("its body is too long"),
        Framing::Length(length) => Ok(bytes.get(..length).map(|body| (body.to_vec(), length))),
        Framing::Chunked => chunks(bytes),
        Framing::UntilClose => Ok(None),
    }
}

fn chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, &'static str> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (used, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(Status::Complete(chunk)) => chunk,
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err("its chunks are no chunks"),
        };
        at += used;
        let size =
            usize::try_from(size).ok().filter(|size| *size <= MAX_BYTES).ok_or("its body is too long")?;
        let Some(chunk) = bytes.get(at..at + size + 2) else { return Ok(None) };
        if !chunk.ends_with(b"\r\n") {
            return Err("its chunks are no chunks");
        }
        body.extend_from_slice(&chunk[..size]);
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

/// `HTTP/1.1 200 …` with its line end. An interim answer says nothing about the message.
fn status_line(bytes: &[u8]) -> Option<u16> {
    let line = bytes.split(|byte| *byte == b'\n').next().filter(|line| line.len() < bytes.len())?;
    let code = line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "))?.get(..3)?;
    let status = std::str::from_utf8(code).ok()?.parse().ok()?;
    Some(status).filter(|status| (200..600).contains(status))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

    #[test]
    fn an_answer_is_whole_only_with_its_last_byte() {
        for end in 0..WHOLE.len() {
            assert_eq!(Response::parse(&WHOLE[..end]), Ok(None), "{end}");
        }
        let (response, used) = Response::parse(&[WHOLE, b"HTTP"].concat()).unwrap().unwrap();
        assert_eq!((response.status, response.body.as_slice(), used), (200, &b"hello"[..], WHOLE.len()));
        assert!(response.whole && response.keep_alive);
    }

    #[test]
    fn a_status_line_counts_once_it_is_there() {
        let line = b"HTTP/1.1 200 OK\r\n".len();
        for end in 0..WHOLE.len() {
            let cut = Response::cut_off(&WHOLE[..end], true);
            assert_eq!(cut.is_some(), end >= line, "{end}");
            assert!(cut.is_none_or(|cut| cut.status == 200 && !cut.whole), "{end}");
        }
        assert_eq!(Response::cut_off(b"HTTP/1.1 100 Continue\r\n", true), None);
        assert_eq!(Response::cut_off(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2", true), None);
    }

    #[test]
    fn bodies_end_by_length_by_chunks_or_with_the_connection() {
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        for end in 0..chunked.len() {
            assert_eq!(Response::parse(&chunked[..end]), Ok(None), "{end}");
        }
        let (response, used) = Response::parse(chunked).unwrap().unwrap();
        assert_eq!((response.body.as_slice(), used), (&b"hello"[..], chunked.len()));

        let open = b"HTTP/1.1 200 OK\r\n\r\nhello";
        assert_eq!(Response::parse(open), Ok(None));
        let closed = Response::cut_off(open, true).unwrap();
        assert!(closed.whole && !closed.keep_alive && closed.body == b"hello");
        assert!(!Response::cut_off(open, false).unwrap().whole, "it broke, so more may have been coming");
    }

    #[test]
    fn an_interim_answer_is_skipped() {
        let bytes = [b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE].concat();
        assert_eq!(Response::parse(&bytes).unwrap().unwrap().0.status, 200);
    }

    #[test]
    fn a_server_that_closes_says_so() {
        for head in ["HTTP/1.1 200 OK\r\nConnection: close", "HTTP/1.0 200 OK"] {
            let bytes = format!("{head}\r\ncontent-length: 0\r\n\r\n");
            assert!(!Response::parse(bytes.as_bytes()).unwrap().unwrap().0.keep_alive, "{head}");
        }
    }

    #[test]
    fn an_error_has_a_name_wherever_it_stands() {
        for (header, body, name, message) in [
            ("x-amzn-ErrorType: MessageRejected", r#"{"message":"no"}"#, "MessageRejected", "no"),
            ("X-Amzn-Errortype: MessageRejected:http://x/y", r#"{"Message":"no"}"#, "MessageRejected", "no"),
            (
                "a: b",
                r#"{"__type":"com.amazonaws.sesv2#NotFoundException","message":"x"}"#,
                "NotFoundException",
                "x",
            ),
            ("a: b", "<html>bad gateway</html>", "", ""),
        ] {
            let bytes = format!(
                "HTTP/1.1 400 Bad Request\r\n{header}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let refusal = Response::parse(bytes.as_bytes()).unwrap().unwrap().0.refusal();
            assert_eq!((refusal.name(), refusal.message()), (name, message));
        }
    }

    proptest! {
        /// Whatever comes, in whatever pieces: no panic, and nothing read past its end.
        #[test]
        fn any_bytes_are_read_or_refused(head in "HTTP/1\\.[01] [0-9]{3}[ a-z]{0,4}\r\n", tail in any::<Vec<u8>>()) {
            for bytes in [tail.clone(), [head.as_bytes(), &tail].concat(), [head.as_bytes(), b"transfer-encoding: chunked\r\n\r\n", &tail].concat()] {
                if let Ok(Some((_, used))) = Response::parse(&bytes) {
                    prop_assert!(used <= bytes.len());
                }
                let _ = Response::cut_off(&bytes, true);
            }
        }
    }

    #[test]
    fn what_is_no_http_is_said_to_be_none() {
        for bytes in [
            "220 mail.test ESMTP\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
        ] {
            assert!(Response::parse(bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}
