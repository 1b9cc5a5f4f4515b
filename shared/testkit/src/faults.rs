//! Faults that strike at one call of a port.

use std::panic::resume_unwind;

use fanmail_domain::{BatchEvent, CampaignEvent, StatusReason, Timestamp};
use fanmail_engine::ports::PortError;

use crate::World;

/// What strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// The call fails and has no effect.
    ErrorBefore,
    /// The call takes effect, and its answer is lost.
    ErrorAfter,
    /// The process dies before the call has an effect.
    DeathBefore,
    /// The process dies when the call has taken effect.
    DeathAfter,
    /// The process sleeps for too long before the call: every lease it holds is taken away by a sweeper.
    LeasesLost,
    /// Somebody pauses the campaign before the call.
    Paused,
}

/// Something that goes wrong once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// At which call, counted from 0 over all ports.
    pub at_call: usize,
    /// What happens then.
    pub strike: Strike,
}

const PAUSE: CampaignEvent = CampaignEvent::Pause { reason: StatusReason::User, until: None };

/// The process that made the call is gone; carried by the unwinding.
pub(crate) struct ProcessDied;

impl World {
    /// Lets `fault` strike.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        self.state().fault = Some(fault);
        self
    }

    /// The operation that the fault struck, if it did.
    pub fn struck(&self) -> Option<&'static str> {
        self.state().struck
    }

    /// Carries out one call: takes its number, lets the fault strike, has the effect.
    pub(crate) fn call<T>(
        &self,
        operation: &'static str,
        effect: impl FnOnce(&mut crate::world::State) -> T,
    ) -> Result<T, PortError> {
        let strike = self.number(operation);
        let lost = || PortError::new(operation, "a simulated fault");
        match strike {
            None => Ok(effect(&mut self.state())),
            Some(Strike::ErrorBefore) => Err(lost()),
            Some(Strike::ErrorAfter) => {
                effect(&mut self.state());
                Err(lost())
            }
            Some(Strike::DeathBefore) => die(),
            Some(Strike::Paused) => {
                let mut state = self.state();
                state.pause();
                Ok(effect(&mut state))
            }
            Some(Strike::LeasesLost) => {
                let mut state = self.state();
                state.lose_leases();
                Ok(effect(&mut state))
            }
            Some(Strike::DeathAfter) => {
                effect(&mut self.state());
                die()
            }
        }
    }

    fn number(&self, operation: &'static str) -> Option<Strike> {
        let mut state = self.state();
        let number = state.calls.len();
        state.calls.push(operation);
        state.now_ns += state.latency_ns;
        let fault = state.fault.filter(|fault| fault.at_call == number)?;
        state.struck = Some(operation);
        Some(fault.strike)
    }
}

impl crate::world::State {
    fn pause(&mut self) {
        let now = self.now();
        for campaign in self.campaigns.values_mut() {
            if let Ok(paused) = campaign.state.apply(PAUSE) {
                (campaign.state, campaign.updated_at) = (paused, now);
            }
        }
    }

    fn lose_leases(&mut self) {
        let now = Timestamp(u64::MAX);
        for batch in self.batches.values_mut() {
            if let Ok(mut queued) = batch.clone().apply(&BatchEvent::LeaseExpired { now }) {
                // The sweeper, and whoever took the batch after it.
                queued.rev += 5;
                *batch = queued;
            }
        }
    }
}

/// Ends the process: unwinds without running the panic hook, since nothing is wrong with the test.
pub(crate) fn die() -> ! {
    resume_unwind(Box::new(ProcessDied))
}
