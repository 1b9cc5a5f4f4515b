//! The commands of one message as bytes, appended to a buffer that is used again and again.

use std::io::Write;

use crate::capabilities::Capabilities;
use crate::failure::Failure;
use crate::message::Message;
use crate::outcome::Phase;
use crate::reply::Reply;

/// What an earlier transaction left for the next one to say first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Debt {
    /// The server waits for MAIL.
    #[default]
    None,
    /// The server has a transaction open: RSET.
    Reset,
    /// The server has said 354 to a transaction without a recipient and waits for a text: the dot alone
    /// (RFC 2920 section 3.1).
    Dot,
}

impl Debt {
    /// What pays it.
    pub(crate) fn line(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Reset => b"RSET\r\n",
            Self::Dot => b".\r\n",
        }
    }

    /// The step at which a message ends whose first write fails.
    pub(crate) fn phase(self) -> Phase {
        if self == Self::None { Phase::Mail } else { Phase::Reset }
    }

    /// RSET must succeed; to a lone dot any reply will do that keeps the connection in step.
    pub(crate) fn is_paid_by(self, answer: &Result<Reply, Failure>) -> bool {
        let Ok(reply) = answer else { return false };
        match self {
            Self::None | Self::Reset => reply.class() == 2,
            Self::Dot => reply.class() != 3 && reply.code() != 421,
        }
    }
}

/// MAIL, with the parameters that the server knows and the message needs.
pub(crate) fn mail(out: &mut Vec<u8>, offered: &Capabilities, message: &Message) {
    let (envelope, content) = (message.envelope(), message.content());
    out.extend_from_slice(b"MAIL FROM:<");
    out.extend_from_slice(envelope.from().as_bytes());
    out.push(b'>');
    if offered.size {
        number(out, " SIZE=", content.size, "");
    }
    if content.eight_bit && offered.eight_bit_mime {
        out.extend_from_slice(b" BODY=8BITMIME");
    }
    if envelope.is_international() {
        out.extend_from_slice(b" SMTPUTF8");
    }
    out.extend_from_slice(b"\r\n");
}

/// RCPT.
pub(crate) fn rcpt(out: &mut Vec<u8>, message: &Message) {
    out.extend_from_slice(b"RCPT TO:<");
    out.extend_from_slice(message.envelope().to().as_bytes());
    out.extend_from_slice(b">\r\n");
}

/// DATA.
pub(crate) const DATA: &[u8] = b"DATA\r\n";

/// BDAT for the only chunk of a message; the text follows without added dots (RFC 3030 section 2).
pub(crate) fn bdat(out: &mut Vec<u8>, message: &Message) {
    number(out, "BDAT ", message.size(), " LAST\r\n");
}

fn number(out: &mut Vec<u8>, before: &str, value: u64, after: &str) {
    // Writing to a buffer in memory cannot fail.
    let _ = write!(out, "{before}{value}{after}");
}
