//! The script: what the inbox does instead of behaving well.
//!
//! A script is a list of rules and a few server-wide limits. It is data: it comes from Rust or as JSON.
//!
//! **Which rule.** A transaction begins with MAIL and is numbered, from 1, over all connections since the script
//! was set. For each recipient the rules are tried in order and the first match is taken. A rule that acts at MAIL
//! is tried before a recipient is known, so it must be for any recipient; so must one that acts on connecting,
//! and for that the number counts connections instead. `times` limits how often a rule is taken.
//!
//! **What it does.** The delay comes first, at its phase, and then the action at its own. A reply at RCPT
//! concerns that recipient only; what happens later concerns the whole transaction (for several recipients: the
//! first rule taken that acts later). A rule that is `accept` shields what it matches from the rules below it.
//!
//! **Chunks.** The phases are those of a conversation with DATA. For a message by BDAT, `data` is its first BDAT
//! command, `body` the first octet of a chunk (an empty message has none), and `dot` the last octet of the chunk
//! that is LAST. A reply waits for the octets of its chunk; a connection ends at once.

use serde::{Deserialize, Serialize};

/// How the inbox misbehaves. The default does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// First match wins; no match means accept.
    pub rules: Vec<Rule>,
    /// Seeds the odds: same seed, same rules, same transaction number, same outcome.
    pub seed: u64,
    /// Closes the listener, so that new connections are refused by the system. Open ones stay.
    pub refuse_connections: bool,
    /// One more connection than this gets 421 and is closed.
    pub max_connections: Option<usize>,
    /// A rate above which commands are refused.
    pub throttle: Option<Throttle>,
}

/// One rule: for whom, how often, how late, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the rule applies to; everything if left out.
    #[serde(default)]
    pub when: Matcher,
    /// Taken at most this often; without limit if left out.
    #[serde(default)]
    pub times: Option<u32>,
    /// Waits before something.
    #[serde(default)]
    pub delay: Option<Delay>,
    /// What happens.
    pub action: Action,
}

/// What a rule applies to. All conditions must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// For whom.
    pub recipient: Who,
    /// First transaction number, from 1.
    pub from: u64,
    /// First transaction number that no longer matches.
    pub to: Option<u64>,
    /// Share of the transactions, 0 to 1, picked by the script's seed.
    pub odds: f64,
}

impl Default for Matcher {
    fn default() -> Self {
        Self { recipient: Who::Any, from: 1, to: None, odds: 1.0 }
    }
}

/// Recipients, compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Everybody.
    #[default]
    Any,
    /// Exactly this address.
    Address(String),
    /// Addresses whose local part begins so.
    LocalPrefix(String),
    /// Addresses at exactly this domain.
    Domain(String),
}

/// A point in the conversation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the greeting.
    Connect,
    /// The answer to MAIL.
    Mail,
    /// The answer to RCPT.
    Rcpt,
    /// The answer to DATA, or to the first BDAT.
    Data,
    /// In the middle of the message, after its first octets came. There is nothing to answer here.
    Body,
    /// The answer to the end of the message: the lone dot, or BDAT with LAST.
    Dot,
}

/// A wait before the phase is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// Where; not after the action.
    pub phase: Phase,
    /// How long, in milliseconds.
    pub ms: u64,
}

/// How a connection is ended without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangUp {
    /// In order: the client reads an end of file (FIN).
    Close,
    /// Hard: the client reads "connection reset" (RST, by `SO_LINGER` 0).
    Reset,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Behaves well.
    Accept,
    /// Keeps the message and hangs up instead of answering.
    AcceptThenDropReply {
        /// How.
        by: HangUp,
    },
    /// Keeps the message and answers only when released.
    AcceptThenHold,
    /// Reads the whole message; keeps and answers it only when released.
    HoldBeforeAccept,
    /// Refuses. A 421 also closes the connection (RFC 5321, 3.8).
    Reply {
        /// What is refused.
        phase: Phase,
        /// 400 to 599.
        code: u16,
        /// What follows the code, with an enhanced status if there shall be one.
        text: String,
    },
    /// Ends the connection in order, without a reply.
    Close {
        /// Instead of which reply.
        phase: Phase,
    },
    /// Resets the connection.
    Reset {
        /// Instead of which reply.
        phase: Phase,
    },
}

/// A rate limit as providers have it: what is above it is refused, not delayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// In any one second at most so many pass.
    pub per_second: u32,
    /// What is counted and refused: MAIL, RCPT, DATA or the end of the message.
    #[serde(default = "Throttle::default_phase")]
    pub phase: Phase,
    /// 400 to 599.
    #[serde(default = "Throttle::default_code")]
    pub code: u16,
    /// What follows the code.
    #[serde(default = "Throttle::default_text")]
    pub text: String,
}

/// Why a script was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// A rule cannot do what it says.
    #[error("rule {index}: {fault}")]
    Rule {
        /// Position in the list, from 0.
        index: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The throttle cannot do what it says.
    #[error("throttle: {0}")]
    Throttle(&'static str),
    /// Connections were to be taken again, but the port is in use now, or the inbox was shut down.
    #[error("the listener did not come back")]
    Reopen,
}

impl Script {
    /// A script of rules only.
    pub fn of(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { rules: rules.into_iter().collect(), ..Self::default() }
    }

    /// Finds what the types do not rule out.
    ///
    /// # Errors
    ///
    /// [`ScriptError::Rule`] and [`ScriptError::Throttle`] name the first part that could never do what it says.
    pub fn check(&self) -> Result<(), ScriptError> {
        for (index, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|fault| ScriptError::Rule { index, fault })?;
        }
        self.throttle.as_ref().map_or(Ok(()), Throttle::check).map_err(ScriptError::Throttle)
    }
}

impl Rule {
    /// A rule for everything.
    pub fn new(action: Action) -> Self {
        Self { when: Matcher::default(), times: None, delay: None, action }
    }

    /// Only for these recipients.
    pub fn to(mut self, recipient: Who) -> Self {
        self.when.recipient = recipient;
        self
    }

    /// Only for this address.
    pub fn to_address(self, address: impl Into<String>) -> Self {
        self.to(Who::Address(address.into()))
    }

    /// Only for these transaction numbers, which begin at 1.
    pub fn messages(mut self, numbers: std::ops::Range<u64>) -> Self {
        (self.when.from, self.when.to) = (numbers.start, Some(numbers.end));
        self
    }

    /// Only for this share, 0 to 1.
    pub fn odds(mut self, odds: f64) -> Self {
        self.when.odds = odds;
        self
    }

    /// At most this often.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Waits at `phase` before anything else happens there.
    pub fn delayed(mut self, phase: Phase, ms: u64) -> Self {
        self.delay = Some(Delay { phase, ms });
        self
    }

    /// Whether the rule does something at `phase`.
    pub(crate) fn acts_at(&self, phase: Phase) -> bool {
        self.action.phase() == Some(phase) || self.delay.is_some_and(|delay| delay.phase == phase)
    }

    /// Whether the rule still has something to do when `phase` is over.
    pub(crate) fn acts_after(&self, phase: Phase) -> bool {
        let last = self.action.phase().max(self.delay.map(|delay| delay.phase));
        last.is_some_and(|last| phase < last)
    }

    fn check(&self) -> Result<(), &'static str> {
        let early = self.acts_at(Phase::Connect) || self.acts_at(Phase::Mail);
        if early && self.when.recipient != Who::Any {
            return Err("no recipient is known before rcpt");
        }
        if !(0.0..=1.0).contains(&self.when.odds) {
            return Err("odds are from 0 to 1");
        }
        if self.delay.is_some_and(|delay| !self.comes_before_the_action(delay.phase)) {
            return Err("the delay is not before the action, or only one of them is on connecting");
        }
        self.action.check()
    }

    fn comes_before_the_action(&self, delay: Phase) -> bool {
        self.action
            .phase()
            .is_none_or(|action| delay <= action && (delay == Phase::Connect) == (action == Phase::Connect))
    }
}

impl Action {
    /// A refusal.
    pub fn reply(phase: Phase, code: u16, text: impl Into<String>) -> Self {
        Self::Reply { phase, code, text: text.into() }
    }

    /// 421, and the end of the connection.
    pub fn unavailable(phase: Phase) -> Self {
        Self::reply(phase, 421, "4.3.2 Service shutting down")
    }

    /// Where the action takes place; nowhere for [`Action::Accept`].
    pub(crate) fn phase(&self) -> Option<Phase> {
        match self {
            Self::Accept => None,
            Self::AcceptThenDropReply { .. } | Self::AcceptThenHold | Self::HoldBeforeAccept => {
                Some(Phase::Dot)
            }
            Self::Reply { phase, .. } | Self::Close { phase } | Self::Reset { phase } => Some(*phase),
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Reply { phase: Phase::Body, .. } => Err("there is no reply in the middle of the body"),
            Self::Reply { code, text, .. } => check_reply(*code, text),
            Self::Accept
            | Self::AcceptThenDropReply { .. }
            | Self::AcceptThenHold
            | Self::HoldBeforeAccept
            | Self::Close { .. }
            | Self::Reset { .. } => Ok(()),
        }
    }
}

impl Throttle {
    /// At most `per_second` messages begin in any second; more get 454, as SES answers.
    pub fn of_mail(per_second: u32) -> Self {
        Self { per_second, phase: Phase::Mail, code: Self::default_code(), text: Self::default_text() }
    }

    fn default_phase() -> Phase {
        Phase::Mail
    }

    fn default_code() -> u16 {
        454
    }

    /// The text of SES (its SMTP documentation, "response codes").
    fn default_text() -> String {
        "Throttling failure: Maximum sending rate exceeded.".to_owned()
    }

    fn check(&self) -> Result<(), &'static str> {
        match self.phase {
            Phase::Connect | Phase::Body => Err("nothing to refuse at connect or in the body"),
            Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Dot => check_reply(self.code, &self.text),
        }
    }
}

/// A reply must be a refusal, and must stay one line.
fn check_reply(code: u16, text: &str) -> Result<(), &'static str> {
    match code {
        400..=599 if text.contains(['\r', '\n']) => Err("a reply text is one line"),
        400..=599 => Ok(()),
        _ => Err("a reply code is from 400 to 599"),
    }
}
