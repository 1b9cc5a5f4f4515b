//! Commands and their parameters (RFC 5321, section 4.1).

use crate::config::Capabilities;

/// A command that can be carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    Mail(Mail),
    Rcpt(String),
    Data,
    /// `None` if it does not say how many octets follow.
    Bdat(Option<Chunk>),
    Rset,
    Noop,
    Vrfy,
    Quit,
    Auth(Auth),
}

/// The parameters of MAIL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mail {
    /// Empty for the null sender.
    pub(super) sender: String,
    /// Announced by SIZE.
    pub(super) size: Option<u64>,
    /// Whether addresses outside ASCII may follow (RFC 6531).
    pub(super) utf8: bool,
}

/// The parameters of BDAT.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Octets that follow the command.
    pub(super) size: u64,
    /// Whether the message ends with them.
    pub(super) last: bool,
}

/// The parameters of AUTH.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Auth {
    pub(super) mechanism: String,
    pub(super) initial: Option<String>,
}

/// The answer to what cannot be carried out: code, enhanced status, text.
pub(super) type Refusal = (u16, &'static str, &'static str);

const NO_ARGUMENT: Refusal = (501, "5.5.4", "this command takes no argument");
const NEEDS_ARGUMENT: Refusal = (501, "5.5.4", "an argument is missing");
const BAD_SENDER: Refusal = (501, "5.1.7", "syntax: MAIL FROM:<address>");
const BAD_RECIPIENT: Refusal = (501, "5.1.3", "syntax: RCPT TO:<address>");
const BAD_PARAMETER: Refusal = (501, "5.5.4", "bad parameter");
const UNKNOWN_PARAMETER: Refusal = (555, "5.5.4", "parameter not supported");

impl Command {
    /// Parses one line without its CRLF.
    pub(super) fn parse(line: &str, offered: &Capabilities) -> Result<Self, Refusal> {
        let (verb, tail) = line.split_once(' ').unwrap_or((line, ""));
        let rest = tail.trim();
        let bare = |command| if rest.is_empty() { Ok(command) } else { Err(NO_ARGUMENT) };
        let named = |command| if rest.is_empty() { Err(NEEDS_ARGUMENT) } else { Ok(command) };

        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => named(Self::Ehlo),
            "HELO" => named(Self::Helo),
            "MAIL" => Mail::parse(rest, offered).map(Self::Mail),
            "RCPT" => recipient(rest).map(Self::Rcpt),
            "DATA" => bare(Self::Data),
            "RSET" => bare(Self::Rset),
            "NOOP" => Ok(Self::Noop),
            "VRFY" => named(Self::Vrfy),
            "QUIT" => bare(Self::Quit),
            "AUTH" => Auth::parse(rest).map(Self::Auth),
            "BDAT" if offered.chunking => Ok(Self::Bdat(Chunk::parse(tail))),
            "BDAT" | "EXPN" | "HELP" | "STARTTLS" => Err((502, "5.5.1", "command not implemented")),
            _ => Err((500, "5.5.2", "command not recognized")),
        }
    }
}

impl Mail {
    fn parse(rest: &str, offered: &Capabilities) -> Result<Self, Refusal> {
        let (sender, parameters) = path(rest, "FROM:").ok_or(BAD_SENDER)?;
        if !sender.is_empty() && !is_address(sender) {
            return Err(BAD_SENDER);
        }
        let mut mail = Self { sender: sender.to_owned(), size: None, utf8: false };
        for parameter in parameters.split_ascii_whitespace() {
            mail.take(parameter, offered)?;
        }
        Ok(mail)
    }

    fn take(&mut self, parameter: &str, offered: &Capabilities) -> Result<(), Refusal> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" if offered.size => self.size = Some(value.parse().map_err(|_| BAD_PARAMETER)?),
            "BODY" if offered.eight_bit_mime => {
                if !["7BIT", "8BITMIME"].iter().any(|body| body.eq_ignore_ascii_case(value)) {
                    return Err(BAD_PARAMETER);
                }
            }
            "SMTPUTF8" if offered.smtp_utf8 && value.is_empty() => self.utf8 = true,
            // RFC 4954, section 5: any server that offers AUTH must take it.
            "AUTH" => {}
            _ => return Err(UNKNOWN_PARAMETER),
        }
        Ok(())
    }
}

impl Chunk {
    /// To the letter: who took a size where another takes none would read octets as commands.
    fn parse(text: &str) -> Option<Self> {
        let (size, marker) = text.split_once(' ').map_or((text, None), |(size, marker)| (size, Some(marker)));
        let is_known = marker.is_none_or(|marker| marker.eq_ignore_ascii_case("LAST"));
        // A number in Rust may have a sign.
        let is_decimal = size.bytes().all(|byte| byte.is_ascii_digit());
        let size = size.parse().ok().filter(|_| is_known && is_decimal)?;
        Some(Self { size, last: marker.is_some() })
    }
}

impl Auth {
    fn parse(rest: &str) -> Result<Self, Refusal> {
        let (mechanism, initial) = rest.split_once(' ').map_or((rest, None), |(m, i)| (m, Some(i.trim())));
        if mechanism.is_empty() {
            return Err(NEEDS_ARGUMENT);
        }
        Ok(Self { mechanism: mechanism.to_ascii_uppercase(), initial: initial.map(str::to_owned) })
    }
}

fn recipient(rest: &str) -> Result<String, Refusal> {
    let (address, parameters) = path(rest, "TO:").ok_or(BAD_RECIPIENT)?;
    if !parameters.trim().is_empty() {
        return Err(UNKNOWN_PARAMETER);
    }
    // RFC 5321, 4.5.1: postmaster needs no domain.
    if is_address(address) || address.eq_ignore_ascii_case("postmaster") {
        Ok(address.to_owned())
    } else {
        Err(BAD_RECIPIENT)
    }
}

/// Splits `FROM:<address> parameters`, leaving a source route out (RFC 5321, 4.1.2, says to ignore it).
fn path<'a>(text: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (start, rest) = text.split_at_checked(keyword.len())?;
    let rest = rest.trim_start().strip_prefix('<')?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, after) = rest.split_at(end_of_path(rest)?);
    let after = &after[1..];
    if !after.is_empty() && !after.starts_with(' ') {
        return None;
    }
    let routed = address.starts_with('@').then(|| address.split_once(':')).flatten();
    Some((routed.map_or(address, |(_, address)| address), after))
}

/// Position of the closing bracket; one inside of a quoted local part does not count.
fn end_of_path(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    text.bytes().position(|byte| {
        let was_escaped = std::mem::take(&mut escaped);
        match byte {
            _ if was_escaped => {}
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        byte == b'>' && !quoted
    })
}

/// Whether something stands on both sides of an @, without white space or control characters outside of quotes.
fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    is_plain(domain) && (is_quoted || is_plain(local) && !local.contains(['@', '<', '>', '"']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Refusal> {
        Command::parse(line, &Capabilities { chunking: true, ..Default::default() })
    }

    #[test]
    fn paths_are_found_in_all_their_forms() {
        for (line, address) in [
            ("RCPT TO:<a@example.com>", "a@example.com"),
            ("rcpt to: <a.b+c@example.com>", "a.b+c@example.com"),
            ("RCPT TO:<@relay.test,@b.test:a@example.com>", "a@example.com"),
            (r#"RCPT TO:<"a> b"@example.com>"#, r#""a> b"@example.com"#),
            ("RCPT TO:<Postmaster>", "Postmaster"),
        ] {
            assert_eq!(parse(line), Ok(Command::Rcpt(address.to_owned())), "{line}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for line in
            ["RCPT TO:<>", "RCPT TO:a@b", "RCPT TO:<a>", "RCPT TO:<a@>", "RCPT TO:<@b>", "RCPT TO:<a b@c>"]
        {
            assert_eq!(parse(line), Err(BAD_RECIPIENT), "{line}");
        }
        assert_eq!(parse("RCPT TO:<a@b.test> NOTIFY=NEVER"), Err(UNKNOWN_PARAMETER));
    }

    #[test]
    fn parameters_of_mail_need_their_extension() {
        let mail = Mail { sender: String::new(), size: Some(7), utf8: true };
        assert_eq!(parse("MAIL FROM:<> SIZE=7 BODY=8BITMIME SMTPUTF8"), Ok(Command::Mail(mail)));

        let nothing =
            Capabilities { size: false, eight_bit_mime: false, smtp_utf8: false, ..Default::default() };
        for parameter in ["SIZE=7", "BODY=8BITMIME", "SMTPUTF8"] {
            let line = format!("MAIL FROM:<> {parameter}");
            assert_eq!(Command::parse(&line, &nothing), Err(UNKNOWN_PARAMETER), "{parameter}");
        }
    }

    #[test]
    fn a_chunk_is_a_decimal_size_and_perhaps_last() {
        for (line, size, last) in [
            ("BDAT 0", 0, false),
            ("bdat 007 last", 7, true),
            ("BDAT 18446744073709551615 LAST", u64::MAX, true),
        ] {
            assert_eq!(parse(line), Ok(Command::Bdat(Some(Chunk { size, last }))), "{line}");
        }
        for line in [
            "BDAT",
            "BDAT ",
            "BDAT LAST",
            "BDAT  5",
            "BDAT 5 ",
            "BDAT +5",
            "BDAT -1",
            "BDAT 0x5",
            "BDAT 5LAST",
            "BDAT 5  LAST",
            "BDAT 5 LAST ",
            "BDAT 5 LAST 6",
            "BDAT 5 FIRST",
            "BDAT 18446744073709551616",
        ] {
            assert_eq!(parse(line), Ok(Command::Bdat(None)), "{line}");
        }
    }
}
