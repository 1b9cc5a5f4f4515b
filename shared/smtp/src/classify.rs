//! One table: step and answer -> what it means for the message.
//!
//! | step | answer | verdict |
//! |---|---|---|
//! | greeting, EHLO, RSET | anything but its 2xx | deferred, server: nothing was said about a recipient; 554 is "no service" (RFC 5321 3.1) |
//! | STARTTLS | 5xx | misconfigured: that server will not encrypt until somebody changes it, or the settings |
//! | STARTTLS | 4xx, nonsense, bytes behind the 220; a failed handshake, a bad certificate | deferred, server: 454 is temporary (RFC 3207 4), certificates are renewed |
//! | AUTH | 5xx, 432 | misconfigured: 535 credentials, 534 mechanism too weak, 538 needs TLS (RFC 4954 6) |
//! | AUTH | other 4xx, 421, nonsense | deferred, server: 454 is temporary (RFC 4954 6) |
//! | MAIL, RCPT, DATA, dot | 421 | deferred, server: "closing channel" may come any time (RFC 5321 3.8) |
//! | MAIL, RCPT, DATA | 530, 535, 538 | misconfigured: the server wants authentication or TLS first (RFC 4954 6, RFC 3207 4) |
//! | MAIL, RCPT, DATA | 503 | deferred, server: the session is out of step, not the message wrong |
//! | MAIL | other 4xx | deferred, server: no recipient has been named yet |
//! | RCPT, DATA, dot | 454 | deferred, server: 454 is the code of throttling (SES) and of temporary AUTH and TLS trouble |
//! | RCPT, DATA, dot | 4xx with X.3.Z, X.4.5, X.5.3 | deferred, server: system full or not accepting, congestion, too many recipients, which we never send at once (RFC 3463 3.4-3.6) |
//! | RCPT, DATA, dot | 4xx with X.1.Z, X.2.Z | deferred, recipient: address or mailbox, whatever the wording (RFC 3463 3.2, 3.3) |
//! | RCPT, DATA, dot | 4xx worded as throttling | deferred, server (`THROTTLING`) |
//! | RCPT, DATA, dot | other 4xx | deferred, recipient: greylisting 450/451, local error 451, 452 |
//! | MAIL, RCPT, DATA, dot | other 5xx | rejected. 552 too: its "too many recipients" (RFC 5321 4.5.3.1.10) cannot happen with one |
//! | while the body is written | 4xx, 5xx | as at the dot: the server did not wait for the end |
//! | dot | 2xx | accepted |
//! | dot | 3xx | unknown: nobody can say what it means |
//! | AUTH | 334 | deferred, server: one more question than the mechanism has |
//! | other steps | a 2xx or 3xx that is not theirs | deferred, server: out of step |
//! | before the last byte of the terminator | connection lost, time-out, garbage | deferred, server: no server takes a message without its end (RFC 5321 4.1.1.4) |
//! | after it | the same | unknown |
//! | no connection | refused, DNS, pool exhausted or closed, a limit of ours | deferred, server |
//! | local | too large, extension missing | rejected |
//! | local | the AUTH mechanism is not offered, STARTTLS is required and not offered, bad setting | misconfigured |
//!
//! A 5xx for a transaction without credentials ("relaying denied", 550 or 554 5.7.1) looks like any refusal
//! of a recipient and is rejected: a caller that sees only those should stop.

use crate::failure::Failure;
use crate::outcome::{Phase, Scope};
use crate::reply::Reply;

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The step succeeded; go on with the next.
    Proceed,
    /// The message was taken.
    Accepted,
    /// The message was surely not taken and never will be.
    Rejected,
    /// The message was surely not taken.
    Deferred(Scope),
    /// The message was surely not taken; the settings are wrong.
    Misconfigured,
    /// The message may have been taken.
    Unknown,
}

/// Words of 4xx replies that speak of the rate or number of messages, in lower case. Only asked when the
/// enhanced code does not say whose trouble it is.
const THROTTLING: [&str; 9] = [
    "throttl",
    "rate limit",
    "ratelimit",
    "rate exceeded",
    "sending rate",
    "too many messages",
    "too many connections",
    "too fast",
    "try again slower",
];

/// The table above. Pure.
pub fn classify(phase: Phase, answer: Result<&Reply, &Failure>) -> Verdict {
    match answer {
        Ok(reply) | Err(Failure::Reply(reply)) => of_reply(phase, reply),
        Err(Failure::TooLarge { .. } | Failure::NeedsExtension(_)) => Verdict::Rejected,
        Err(Failure::NoMechanism { .. } | Failure::NoTls | Failure::Setting(_)) => Verdict::Misconfigured,
        Err(
            Failure::Read(_)
            | Failure::Write(_)
            | Failure::Closed
            | Failure::TimedOut(_)
            | Failure::Protocol(_),
        ) if phase == Phase::EndOfData => Verdict::Unknown,
        Err(
            Failure::Read(_)
            | Failure::Write(_)
            | Failure::Closed
            | Failure::TimedOut(_)
            | Failure::Protocol(_)
            | Failure::Resolve(_)
            | Failure::Connect(_)
            | Failure::Tls(_)
            | Failure::PoolBusy(_)
            | Failure::PoolClosed
            | Failure::Paced(_)
            | Failure::Unusable,
        ) => Verdict::Deferred(Scope::Server),
    }
}

fn of_reply(phase: Phase, reply: &Reply) -> Verdict {
    use Phase as P;

    let server = Verdict::Deferred(Scope::Server);
    match (phase, reply.code()) {
        (P::EndOfData, 200..=299) => Verdict::Accepted,
        (P::EndOfData, 300..=399) => Verdict::Unknown,
        (P::Data, 354) => Verdict::Proceed,
        // RFC 5321 4.3.2: MAIL has 250; RCPT 250, 251 and, from some, 252; AUTH 235; the greeting 220.
        (P::Greeting | P::Hello | P::Auth | P::Reset | P::Mail | P::Rcpt, 200..=299) => Verdict::Proceed,
        (P::Tls, 220) => Verdict::Proceed,
        (P::Auth, 432 | 500..) | (P::Tls, 500..) => Verdict::Misconfigured,
        (P::Wait | P::Connect | P::Greeting | P::Hello | P::Tls | P::Auth | P::Prepare | P::Reset, _) => {
            server
        }
        (P::Mail | P::Rcpt | P::Data, 530 | 535 | 538) => Verdict::Misconfigured,
        (P::Mail | P::Rcpt | P::Data, 503) => server,
        (P::Mail | P::Rcpt | P::Data | P::Body | P::EndOfData, 500..) => Verdict::Rejected,
        (P::Rcpt | P::Data | P::Body | P::EndOfData, 400..=499) => Verdict::Deferred(blame(reply)),
        (P::Mail | P::Rcpt | P::Data | P::Body | P::EndOfData, _) => server,
    }
}

/// Whose trouble a 4xx is once a recipient has been named.
fn blame(reply: &Reply) -> Scope {
    if matches!(reply.code(), 421 | 454) {
        return Scope::Server;
    }
    match reply.enhanced().map(|e| (e.subject, e.detail)) {
        // X.3.4 is "message too big for system": true of this message only.
        Some((3, 0..=3 | 5..) | (4, 5) | (5, 3)) => Scope::Server,
        Some((1 | 2, _)) => Scope::Recipient,
        _ if is_throttling(reply) => Scope::Server,
        _ => Scope::Recipient,
    }
}

fn is_throttling(reply: &Reply) -> bool {
    let text = reply.text().to_ascii_lowercase();
    THROTTLING.iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;
    use crate::config::Mechanism;
    use crate::reply::ReplyError;
    use crate::reply::tests::reply;
    use Phase as P;

    const GO: Verdict = Verdict::Proceed;
    const REJECTED: Verdict = Verdict::Rejected;
    const SERVER: Verdict = Verdict::Deferred(Scope::Server);
    const RCPT: Verdict = Verdict::Deferred(Scope::Recipient);
    const CONFIG: Verdict = Verdict::Misconfigured;
    const UNKNOWN: Verdict = Verdict::Unknown;

    const PHASES: [Phase; 13] = [
        P::Wait,
        P::Connect,
        P::Greeting,
        P::Hello,
        P::Tls,
        P::Auth,
        P::Prepare,
        P::Reset,
        P::Mail,
        P::Rcpt,
        P::Data,
        P::Body,
        P::EndOfData,
    ];

    #[test]
    fn the_table_of_replies() {
        let steps =
            [P::Greeting, P::Hello, P::Auth, P::Reset, P::Mail, P::Rcpt, P::Data, P::Body, P::EndOfData];
        #[rustfmt::skip]
        let table = [
            //                                    greeting EHLO    AUTH    RSET    MAIL      RCPT      DATA      body      dot
            ("250 2.1.0 ok",                      [GO,     GO,     GO,     GO,     GO,       GO,       SERVER,   SERVER,   Verdict::Accepted]),
            ("354 go",                            [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   GO,       SERVER,   UNKNOWN]),
            ("334 VXNlcm5hbWU6",                  [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   UNKNOWN]),
            ("421 4.3.2 closing",                 [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("432 4.7.12 transition",             [SERVER, SERVER, CONFIG, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("450 4.2.0 busy",                    [SERVER, SERVER, SERVER, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("451 4.7.1 Greylisted, try later",   [SERVER, SERVER, SERVER, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("451 local error",                   [SERVER, SERVER, SERVER, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("452 4.2.2 mailbox full",            [SERVER, SERVER, SERVER, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("452 4.3.1 disk full",               [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("452 4.3.4 too big for now",         [SERVER, SERVER, SERVER, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("451 4.4.5 congestion",              [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("451 4.4.1 no answer from host",     [SERVER, SERVER, SERVER, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("452 4.5.3 too many recipients",     [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("454 Throttling failure: Maximum",   [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("454 4.7.0 temporary",               [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("450 4.7.1 Rate Limit hit",          [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("450 too many messages, slow down",  [SERVER, SERVER, SERVER, SERVER, SERVER,   SERVER,   SERVER,   SERVER,   SERVER]),
            ("450 4.2.1 user gets mail too fast", [SERVER, SERVER, SERVER, SERVER, SERVER,   RCPT,     RCPT,     RCPT,     RCPT]),
            ("500 unknown command",               [SERVER, SERVER, CONFIG, SERVER, REJECTED, REJECTED, REJECTED, REJECTED, REJECTED]),
            ("503 bad sequence",                  [SERVER, SERVER, CONFIG, SERVER, SERVER,   SERVER,   SERVER,   REJECTED, REJECTED]),
            ("530 5.7.0 authentication required", [SERVER, SERVER, CONFIG, SERVER, CONFIG,   CONFIG,   CONFIG,   REJECTED, REJECTED]),
            ("535 5.7.8 bad credentials",         [SERVER, SERVER, CONFIG, SERVER, CONFIG,   CONFIG,   CONFIG,   REJECTED, REJECTED]),
            ("538 5.7.11 needs TLS",              [SERVER, SERVER, CONFIG, SERVER, CONFIG,   CONFIG,   CONFIG,   REJECTED, REJECTED]),
            ("550 5.1.1 no such user",            [SERVER, SERVER, CONFIG, SERVER, REJECTED, REJECTED, REJECTED, REJECTED, REJECTED]),
            ("552 5.3.4 too big",                 [SERVER, SERVER, CONFIG, SERVER, REJECTED, REJECTED, REJECTED, REJECTED, REJECTED]),
            ("554 5.7.1 no",                      [SERVER, SERVER, CONFIG, SERVER, REJECTED, REJECTED, REJECTED, REJECTED, REJECTED]),
        ];

        for (wire, row) in table {
            let reply = reply(wire);
            let found = steps.map(|phase| classify(phase, Ok(&reply)));
            assert_eq!(found, row, "{wire}");
        }
    }

    #[test]
    fn the_reply_to_starttls_and_what_it_costs() {
        let table = [
            ("220 2.0.0 go", GO),
            ("250 fine", SERVER),
            ("421 4.3.2 bye", SERVER),
            ("454 4.7.0 not now", SERVER),
            ("501 no parameters", CONFIG),
            ("502 5.5.1 what?", CONFIG),
        ];
        for (wire, expected) in table {
            assert_eq!(classify(P::Tls, Ok(&reply(wire))), expected, "{wire}");
        }
    }

    #[test]
    fn a_lost_connection_is_in_doubt_only_after_the_last_byte() {
        let io = || io::Error::from(io::ErrorKind::ConnectionReset);
        let lost = [
            Failure::Read(io()),
            Failure::Write(io()),
            Failure::Closed,
            Failure::TimedOut(Duration::ZERO),
            Failure::Protocol(ReplyError::NoCode),
        ];
        for failure in &lost {
            for phase in PHASES {
                let expected = if phase == P::EndOfData { UNKNOWN } else { SERVER };
                assert_eq!(classify(phase, Err(failure)), expected, "{phase}: {failure}");
            }
        }
    }

    #[test]
    fn what_fails_without_the_server_has_one_verdict_each() {
        let io = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let table = [
            (Failure::Resolve(io()), SERVER),
            (Failure::Connect(io()), SERVER),
            (Failure::PoolBusy(Duration::ZERO), SERVER),
            (Failure::PoolClosed, SERVER),
            (Failure::Paced(Duration::ZERO), SERVER),
            (Failure::Unusable, SERVER),
            (Failure::TooLarge { size: 2, limit: 1 }, REJECTED),
            (Failure::NeedsExtension("SMTPUTF8"), REJECTED),
            (Failure::NoMechanism { wanted: Mechanism::Any, offered: None }, CONFIG),
            (Failure::Tls(io()), SERVER),
            (Failure::NoTls, CONFIG),
            (Failure::Setting("user name"), CONFIG),
        ];
        for (failure, expected) in table {
            for phase in PHASES {
                assert_eq!(classify(phase, Err(&failure)), expected, "{phase}: {failure}");
            }
        }
    }

    #[test]
    fn no_reply_but_one_to_the_dot_can_accept_a_message() {
        for phase in PHASES {
            for code in 200..=559 {
                if code / 10 % 10 > 5 {
                    continue;
                }
                let verdict = classify(phase, Ok(&reply(&code.to_string())));
                let may = phase == P::EndOfData;
                assert!(
                    may || !matches!(verdict, Verdict::Accepted | UNKNOWN),
                    "{phase} {code}: {verdict:?}"
                );
                assert!(!may || verdict != GO, "{code} leaves a message without an outcome");
            }
        }
    }
}
