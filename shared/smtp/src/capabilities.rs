//! What a server offers in its reply to EHLO (RFC 5321 4.1.1.1).

use crate::config::Mechanism;
use crate::reply::Reply;

/// The extensions that matter to a sender of mail. All off after HELO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// SIZE (RFC 1870) is offered: messages may be announced with their size.
    pub size: bool,
    /// The largest message in octets, where the server names one other than 0.
    pub max_size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtp_utf8: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// STARTTLS (RFC 3207).
    pub start_tls: bool,
    /// AUTH (RFC 4954) and the mechanisms this crate speaks.
    pub auth: Option<Mechanisms>,
}

/// Those of the offered mechanisms that this crate speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mechanisms {
    /// PLAIN (RFC 4616).
    pub plain: bool,
    /// LOGIN (never standardised, offered by many).
    pub login: bool,
    /// CRAM-MD5 (RFC 2195).
    pub cram_md5: bool,
    /// XOAUTH2 (Google's and Microsoft's).
    pub xoauth2: bool,
}

impl Mechanisms {
    /// Those that are offered, in the order in which [`Mechanism::Any`] tries them; XOAUTH2 last.
    pub(crate) fn offered(self) -> impl Iterator<Item = Mechanism> {
        let Self { plain, login, cram_md5, xoauth2 } = self;
        let all = [
            (plain, Mechanism::Plain),
            (login, Mechanism::Login),
            (cram_md5, Mechanism::CramMd5),
            (xoauth2, Mechanism::XOAuth2),
        ];
        all.into_iter().filter_map(|(offered, mechanism)| offered.then_some(mechanism))
    }
}

impl Capabilities {
    /// Reads the reply to EHLO; its first line is the server's name.
    pub(crate) fn parse(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines().skip(1) {
            found.add(&line.to_ascii_uppercase());
        }
        found
    }

    fn add(&mut self, line: &str) {
        // `AUTH=PLAIN` is how servers before RFC 2554 wrote it, and some still do for old clients.
        let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
        match words.next().unwrap_or_default() {
            "SIZE" => {
                self.size = true;
                self.max_size = words.next().and_then(|n| n.parse().ok()).filter(|&n| n != 0);
            }
            "8BITMIME" => self.eight_bit_mime = true,
            "PIPELINING" => self.pipelining = true,
            "SMTPUTF8" => self.smtp_utf8 = true,
            "CHUNKING" => self.chunking = true,
            "STARTTLS" => self.start_tls = true,
            "AUTH" => self.add_mechanisms(words),
            _ => {}
        }
    }

    fn add_mechanisms<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        let auth = self.auth.get_or_insert_default();
        for word in words {
            auth.plain |= word == "PLAIN";
            auth.login |= word == "LOGIN";
            auth.cram_md5 |= word == "CRAM-MD5";
            auth.xoauth2 |= word == "XOAUTH2";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::tests::reply;

    fn parse(wire: &str) -> Capabilities {
        Capabilities::parse(&reply(wire))
    }

    #[test]
    fn everything_offered_is_found_in_any_case() {
        let all = parse(
            "250-mx.test greets you\r\n250-size 1000\r\n250-8BitMime\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n\
             250-CHUNKING\r\n250-STARTTLS\r\n250-XCLIENT NAME\r\n250 AUTH login CRAM-MD5 XOAUTH2 GSSAPI PLAIN",
        );
        let expected = Capabilities {
            size: true,
            max_size: Some(1000),
            eight_bit_mime: true,
            pipelining: true,
            smtp_utf8: true,
            chunking: true,
            start_tls: true,
            auth: Some(Mechanisms { plain: true, login: true, cram_md5: true, xoauth2: true }),
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn the_first_line_is_a_name_and_no_capability() {
        assert_eq!(parse("250 SIZE"), Capabilities::default());
    }

    #[test]
    fn size_without_a_limit_has_no_limit() {
        for wire in ["250-x\r\n250 SIZE", "250-x\r\n250 SIZE 0", "250-x\r\n250 SIZE huge"] {
            assert_eq!((parse(wire).size, parse(wire).max_size), (true, None), "{wire}");
        }
    }

    #[test]
    fn both_spellings_of_auth_add_up() {
        let auth = |wire| parse(wire).auth;
        assert_eq!(
            auth("250-x\r\n250-AUTH LOGIN\r\n250 AUTH=PLAIN"),
            Some(Mechanisms { plain: true, login: true, ..Mechanisms::default() })
        );
        assert_eq!(auth("250-x\r\n250 AUTH GSSAPI"), Some(Mechanisms::default()));
        assert_eq!(auth("250-x\r\n250 HELP"), None);
    }
}
