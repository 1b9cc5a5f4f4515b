//! What the replies to one group of commands mean together.
//!
//! Commands of one message travel together, so the later ones are answered although an earlier one was
//! refused. The first refusal decides about the message; the last reply decides what the connection owes:
//!
//! | refused | last reply | message | connection |
//! |---|---|---|---|
//! | nothing | 354 to DATA | goes on | |
//! | nothing | other to DATA | by that reply | RSET, if the reply is a refusal |
//! | MAIL or RCPT | 354 to DATA | by the refusal | a lone dot, whose reply means nothing (RFC 2920 3.1) |
//! | MAIL or RCPT | 4xx, 5xx | by the refusal | RSET |
//! | nothing | any to BDAT | as to a dot, but 500-504 is about the command: deferred, server | RSET, if it is a refusal |
//! | MAIL or RCPT | 2xx to BDAT | unknown: the server says that it has a message for nobody | closed |
//! | any | what fits nothing, 421, silence | by the refusal, else by that | closed |
//!
//! Silence after a chunk has been written leaves the message in doubt, whichever reply is missing.

use crate::commands::Debt;
use crate::failure::Failure;
use crate::outcome::{Outcome, Phase, Scope};
use crate::reply::Reply;
use crate::transaction::ended_in_step;

/// How the text of a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// After DATA and its 354.
    Data,
    /// Behind BDAT, with the commands (RFC 3030).
    Chunk,
}

impl Form {
    /// How far a message may be when the server falls silent at `phase`.
    pub(crate) fn phase_of_silence(self, phase: Phase, answer: &Result<Reply, Failure>) -> Phase {
        match self {
            Self::Chunk if answer.is_err() => Phase::EndOfData,
            Self::Chunk | Self::Data => phase,
        }
    }
}

/// How one message ended on a connection.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// The connection may carry another message.
    pub(crate) in_step: bool,
    pub(crate) debt: Debt,
}

impl Ended {
    /// With that answer, and the connection with it.
    pub(crate) fn lost(phase: Phase, answer: Result<Reply, Failure>) -> Self {
        Self { outcome: Outcome::conclude(phase, answer), in_step: false, debt: Debt::None }
    }

    /// The same, if nothing was refused before.
    pub(crate) fn after(
        refusal: Option<(Phase, Reply)>,
        phase: Phase,
        answer: Result<Reply, Failure>,
    ) -> Self {
        match refusal {
            Some((phase, reply)) => Self::lost(phase, Ok(reply)),
            None => Self::lost(phase, answer),
        }
    }

    /// The connection died before anything was said about the message (421 included).
    pub(crate) fn is_untouched(&self) -> bool {
        !self.in_step && self.outcome.is_untouched()
    }
}

/// The table above. `Ok` when the text may follow.
pub(crate) fn judge(form: Form, refusal: Option<(Phase, Reply)>, last: Reply) -> Result<(), Ended> {
    match (form, refusal) {
        (Form::Data, None) if last.code() == 354 => Ok(()),
        (Form::Data, None) => Err(refused(Phase::Data, last, Debt::Reset)),
        (Form::Data, Some((phase, reply))) => {
            let debt = if last.code() == 354 { Debt::Dot } else { Debt::Reset };
            let fits = debt == Debt::Dot || last.class() >= 4;
            let ended = refused(phase, reply, debt);
            Err(Ended { in_step: ended.in_step && fits, ..ended })
        }
        (Form::Chunk, None) => Err(after_chunk(last)),
        (Form::Chunk, Some((_, reply))) if last.class() == 2 => {
            let outcome = Outcome::Unknown { why: Failure::Reply(reply) };
            Err(Ended { outcome, in_step: false, debt: Debt::None })
        }
        (Form::Chunk, Some((phase, reply))) => {
            let ended = refused(phase, reply, Debt::Reset);
            Err(Ended { in_step: ended.in_step && last.class() >= 4, ..ended })
        }
    }
}

fn refused(phase: Phase, reply: Reply, debt: Debt) -> Ended {
    let answer = Ok(reply);
    Ended { in_step: ended_in_step(phase, &answer), debt, ..Ended::lost(phase, answer) }
}

fn after_chunk(reply: Reply) -> Ended {
    if matches!(reply.code(), 500..=504) {
        let why = Failure::Reply(reply);
        let outcome = Outcome::Deferred { scope: Scope::Server, why, phase: Phase::Data };
        return Ended { outcome, in_step: false, debt: Debt::None };
    }
    let debt = if reply.class() == 2 { Debt::None } else { Debt::Reset };
    refused(Phase::EndOfData, reply, debt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::tests::reply;
    use Form::{Chunk, Data};

    fn row(form: Form, refusal: Option<(Phase, &str)>, last: &str) -> String {
        let refusal = refusal.map(|(phase, text)| (phase, reply(text)));
        match judge(form, refusal, reply(last)) {
            Ok(()) => "goes on".to_owned(),
            Err(Ended { outcome, in_step: false, .. }) => format!("{outcome}, closed"),
            Err(Ended { outcome, debt, .. }) => format!("{outcome}, {debt:?}"),
        }
    }

    #[test]
    fn the_table_of_groups() {
        let mail = |text| Some((Phase::Mail, text));
        let rcpt = |text| Some((Phase::Rcpt, text));
        let said = "the server answered";
        #[rustfmt::skip]
        let table = [
            (row(Data, None, "354 go"), "goes on".to_owned()),
            (row(Data, None, "554 no"), format!("rejected at DATA: {said} 554, Reset")),
            (row(Data, None, "451 no"), format!("deferred by recipient at DATA: {said} 451, Reset")),
            (row(Data, None, "250 ok"), format!("deferred by server at DATA: {said} 250, closed")),
            (row(Data, None, "503 no"), format!("deferred by server at DATA: {said} 503, closed")),
            (row(Data, rcpt("550 no"), "354 go"), format!("rejected at RCPT: {said} 550, Dot")),
            (row(Data, rcpt("550 no"), "503 no"), format!("rejected at RCPT: {said} 550, Reset")),
            (row(Data, rcpt("550 no"), "250 ok"), format!("rejected at RCPT: {said} 550, closed")),
            (row(Data, mail("451 no"), "354 go"), format!("deferred by server at MAIL: {said} 451, Dot")),
            (row(Data, mail("530 no"), "503 no"), format!("misconfigured, seen at MAIL: {said} 530, closed")),
            (row(Data, rcpt("503 no"), "503 no"), format!("deferred by server at RCPT: {said} 503, closed")),
            (row(Data, rcpt("354 go"), "503 no"), format!("deferred by server at RCPT: {said} 354, closed")),
            (row(Chunk, None, "250 ok"), "accepted: 250, None".to_owned()),
            (row(Chunk, None, "550 no"), format!("rejected at end of data: {said} 550, Reset")),
            (row(Chunk, None, "452 no"), format!("deferred by recipient at end of data: {said} 452, Reset")),
            (row(Chunk, None, "500 what"), format!("deferred by server at DATA: {said} 500, closed")),
            (row(Chunk, None, "354 go"), format!("unknown: {said} 354, closed")),
            (row(Chunk, rcpt("550 no"), "503 no"), format!("rejected at RCPT: {said} 550, Reset")),
            (row(Chunk, rcpt("550 no"), "250 ok"), format!("unknown: {said} 550, closed")),
            (row(Chunk, rcpt("550 no"), "354 go"), format!("rejected at RCPT: {said} 550, closed")),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn silence_is_in_doubt_only_after_a_chunk() {
        let silence = || Err(Failure::Closed);
        assert_eq!(Data.phase_of_silence(Phase::Mail, &silence()), Phase::Mail);
        assert_eq!(Chunk.phase_of_silence(Phase::Mail, &silence()), Phase::EndOfData);
        assert_eq!(Chunk.phase_of_silence(Phase::Mail, &Ok(reply("421 bye"))), Phase::Mail);
    }
}
