//! AUTH (RFC 4954): who we are, by one of four mechanisms.
//!
//! ```text
//! PLAIN     AUTH PLAIN base64(NUL user NUL password)                  RFC 4616
//! LOGIN     AUTH LOGIN, 334, base64(user), 334, base64(password)      never standardised
//! CRAM-MD5  AUTH CRAM-MD5, 334 challenge, base64(user SP keyed MD5)   RFC 2195
//! XOAUTH2   AUTH XOAUTH2 base64(user=…^Aauth=Bearer token^A^A)        Google's and Microsoft's
//! ```
//!
//! Each line is one command with its reply; whatever is not 334 ends the dialogue and is the server's decision. An
//! XOAUTH2 server explains a refusal in a 334 first and wants an empty line for it before it says 535.
//! Only CRAM-MD5 hides the password from the network; for the others that is TLS's work.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;

use crate::capabilities::{Capabilities, Mechanisms};
use crate::config::{Credentials, Mechanism};
use crate::failure::Failure;
use crate::reply::{Reply, ReplyError};
use crate::wire::Wire;

/// Tells the server who we are. The reply is the last one read: 235 where it worked.
pub(crate) async fn authenticate(
    wire: &mut Wire,
    offered: &Capabilities,
    credentials: &Credentials,
    limit: Duration,
) -> Result<Reply, Failure> {
    let mechanism = choose(credentials.mechanism, offered.auth)?;
    let mut line = first(mechanism, credentials)?;
    let mut questions = 0;
    loop {
        line.push_str("\r\n");
        let reply = wire.command(line.as_bytes(), limit).await?;
        if reply.code() != 334 {
            return Ok(reply);
        }
        line = match answer(mechanism, questions, &reply, credentials)? {
            Some(line) => line,
            None => return Ok(reply),
        };
        questions += 1;
    }
}

/// The mechanism asked for, where it is offered; XOAUTH2 only by its name, because its password is a token.
fn choose(wanted: Mechanism, offered: Option<Mechanisms>) -> Result<Mechanism, Failure> {
    let suits = |found: &Mechanism| match wanted {
        Mechanism::Any => *found != Mechanism::XOAuth2,
        Mechanism::Plain | Mechanism::Login | Mechanism::CramMd5 | Mechanism::XOAuth2 => *found == wanted,
    };
    let found = offered.unwrap_or_default().offered().find(suits);
    found.ok_or(Failure::NoMechanism { wanted, offered })
}

/// Why [`choose`] found nothing, for the person who configures it.
pub(crate) fn not_offered(wanted: Mechanism, offered: Option<Mechanisms>) -> String {
    let Some(offered) = offered else {
        return "the server offers no AUTH (many do only under TLS)".to_owned();
    };
    let names: Vec<_> = offered.offered().map(|mechanism| mechanism.to_string()).collect();
    match (wanted, &names[..]) {
        (_, []) => "the server offers no AUTH mechanism known here".to_owned(),
        (Mechanism::Any, names) => {
            format!("the server offers AUTH {} only, which must be asked for by name", names.join(" and "))
        }
        (wanted, names) => format!("the server offers AUTH {}, not {wanted}", names.join(" and ")),
    }
}

fn first(mechanism: Mechanism, credentials: &Credentials) -> Result<String, Failure> {
    let initial = match mechanism {
        Mechanism::Plain => plain(credentials)?,
        Mechanism::XOAuth2 => bearer(credentials)?,
        Mechanism::Login | Mechanism::CramMd5 | Mechanism::Any => return Ok(format!("AUTH {mechanism}")),
    };
    Ok(format!("AUTH {mechanism} {}", STANDARD.encode(initial)))
}

/// The line for the server's next question; `None` if the mechanism has no such question.
fn answer(
    mechanism: Mechanism,
    questions_before: u32,
    question: &Reply,
    credentials: &Credentials,
) -> Result<Option<String>, Failure> {
    let Credentials { user, password, .. } = credentials;
    Ok(match (mechanism, questions_before) {
        (Mechanism::Login, 0) => Some(STANDARD.encode(user)),
        (Mechanism::Login, 1) => Some(STANDARD.encode(password)),
        (Mechanism::CramMd5, 0) => Some(STANDARD.encode(keyed_digest(credentials, &challenge(question)?))),
        (Mechanism::XOAuth2, 0) => Some(String::new()),
        (
            Mechanism::Plain | Mechanism::Login | Mechanism::CramMd5 | Mechanism::XOAuth2 | Mechanism::Any,
            _,
        ) => None,
    })
}

/// NUL separates the parts (RFC 4616 section 2), so it cannot be in one.
fn plain(Credentials { user, password, .. }: &Credentials) -> Result<String, Failure> {
    if user.contains('\0') || password.contains('\0') {
        return Err(Failure::Setting("user name or password"));
    }
    Ok(format!("\0{user}\0{password}"))
}

/// Control-A separates the parts.
fn bearer(Credentials { user, password, .. }: &Credentials) -> Result<String, Failure> {
    if user.contains('\x01') || password.contains('\x01') {
        return Err(Failure::Setting("user name or token"));
    }
    Ok(format!("user={user}\x01auth=Bearer {password}\x01\x01"))
}

fn challenge(question: &Reply) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(question.text().trim()).map_err(|_| Failure::Protocol(ReplyError::Challenge))
}

/// The user, a space and the challenge's HMAC-MD5 under the password, in lower-case hexadecimal (RFC 2195 section 2).
fn keyed_digest(Credentials { user, password, .. }: &Credentials, challenge: &[u8]) -> String {
    let mut mac = Hmac::<Md5>::new_from_slice(password.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(challenge);
    let digest = mac.finalize().into_bytes();
    let hexadecimal: String = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect();
    format!("{user} {hexadecimal}")
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).expect("four bits are one digit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_example_in_rfc_2195() {
        let tim = Credentials {
            user: "tim".to_owned(),
            password: "tanstaaftanstaaf".to_owned(),
            mechanism: Mechanism::CramMd5,
        };
        let digest = keyed_digest(&tim, b"<1896.697170952@postoffice.reston.mci.net>");
        assert_eq!(digest, "tim b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn any_takes_the_first_that_is_offered_and_a_name_only_itself() {
        let all = Mechanisms { plain: true, login: true, cram_md5: true, xoauth2: true };
        let table = [
            (Mechanism::Any, all, Some(Mechanism::Plain)),
            (Mechanism::Any, Mechanisms { plain: false, ..all }, Some(Mechanism::Login)),
            (Mechanism::Any, Mechanisms { plain: false, login: false, ..all }, Some(Mechanism::CramMd5)),
            (Mechanism::Any, Mechanisms { xoauth2: true, ..Mechanisms::default() }, None),
            (Mechanism::XOAuth2, all, Some(Mechanism::XOAuth2)),
            (Mechanism::Login, all, Some(Mechanism::Login)),
            (Mechanism::CramMd5, Mechanisms { cram_md5: false, ..all }, None),
        ];
        for (wanted, offered, expected) in table {
            assert_eq!(choose(wanted, Some(offered)).ok(), expected, "{wanted} of {offered:?}");
        }
    }

    #[test]
    fn what_is_missing_is_told_with_what_is_offered() {
        let none = Mechanisms::default();
        let two = Mechanisms { plain: true, login: true, ..none };
        let token = Mechanisms { xoauth2: true, ..none };
        let table = [
            (Mechanism::Any, None, "the server offers no AUTH (many do only under TLS)"),
            (Mechanism::Plain, Some(none), "the server offers no AUTH mechanism known here"),
            (Mechanism::XOAuth2, Some(two), "the server offers AUTH PLAIN and LOGIN, not XOAUTH2"),
            (
                Mechanism::Any,
                Some(token),
                "the server offers AUTH XOAUTH2 only, which must be asked for by name",
            ),
        ];
        for (wanted, offered, sentence) in table {
            assert_eq!(choose(wanted, offered).unwrap_err().to_string(), sentence);
        }
    }
}
