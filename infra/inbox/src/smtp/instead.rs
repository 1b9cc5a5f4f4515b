//! What the script puts in the place of a good answer.
//!
//! At each phase: the rule's delay, the rule's action, the throttle, the good answer; the first that answers
//! is the last to be asked.

use std::io;
use std::time::Duration;

use super::Flow;
use super::session::Session;
use crate::director::Director;
use crate::script::{Action, HangUp, Phase};

/// One thing that is done instead of going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instead<'a> {
    /// This is answered.
    Reply { code: u16, text: &'a str },
    /// Nothing is answered.
    HangUp(HangUp),
}

impl<'a> Instead<'a> {
    /// What an action does, as far as it acts at `phase`.
    pub(super) fn of(action: &'a Action, phase: Phase) -> Option<Self> {
        match action {
            Action::Reply { phase: at, code, text } if *at == phase => {
                Some(Self::Reply { code: *code, text })
            }
            Action::Close { phase: at } if *at == phase => Some(Self::HangUp(HangUp::Close)),
            Action::Reset { phase: at } if *at == phase => Some(Self::HangUp(HangUp::Reset)),
            Action::Reply { .. }
            | Action::Close { .. }
            | Action::Reset { .. }
            | Action::Accept
            | Action::AcceptThenDropReply { .. }
            | Action::AcceptThenHold
            | Action::HoldBeforeAccept => None,
        }
    }
}

impl Session {
    /// Lets the script act at one phase. `None` to go on.
    pub(super) async fn script_acts(
        &mut self,
        director: &Director,
        rule: Option<usize>,
        phase: Phase,
    ) -> io::Result<Option<Flow>> {
        let instead = self.script_wants(director, rule, phase).await?;
        Ok(instead.map(|instead| self.act(instead)))
    }

    /// What the script wants at one phase, after its delay. `None` to go on.
    pub(super) async fn script_wants<'a>(
        &mut self,
        director: &'a Director,
        rule: Option<usize>,
        phase: Phase,
    ) -> io::Result<Option<Instead<'a>>> {
        if let Some(rule) = director.rule(rule) {
            if let Some(delay) = rule.delay.filter(|delay| delay.phase == phase) {
                self.pause(delay.ms).await?;
            }
            if let Some(instead) = Instead::of(&rule.action, phase) {
                return Ok(Some(instead));
            }
        }
        let throttle = director.over_rate(phase);
        Ok(throttle.map(|throttle| Instead::Reply { code: throttle.code, text: &throttle.text }))
    }

    /// Does it, and says how the conversation goes on.
    pub(super) fn act(&mut self, instead: Instead<'_>) -> Flow {
        match instead {
            Instead::Reply { code, text } => {
                self.wire.raw(format_args!("{code} {text}\r\n"));
                if code == 421 { Flow::Close } else { Flow::Go }
            }
            Instead::HangUp(by) => by.into(),
        }
    }

    /// Sleeps, with everything said that was to be said before.
    pub(super) async fn pause(&mut self, ms: u64) -> io::Result<()> {
        self.wire.flush().await?;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(())
    }
}
