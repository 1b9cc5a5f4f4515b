//! Faults that strike at one call of a port.

use std::panic::resume_unwind;

use fanmail_domain::{BatchEvent, CampaignEvent, StatusReason, Timestamp};
use fanmail_engine::ports::PortError;
use futures::FutureExt;
use futures::future::LocalBoxFuture;

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

/// Something that happens in the middle of something else.
pub type Meanwhile = for<'a> fn(&'a World) -> LocalBoxFuture<'a, ()>;

/// What happens before the call of this number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interruption {
    at_call: usize,
    meanwhile: Meanwhile,
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

    /// Lets other processes do `meanwhile` before the call of this number: whoever makes that call is slower.
    #[must_use]
    pub fn interrupted(self, at_call: usize, meanwhile: Meanwhile) -> Self {
        self.state().interruption = Some(Interruption { at_call, meanwhile });
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
        self.interrupt(operation);
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

    fn interrupt(&self, operation: &'static str) {
        let due = {
            let mut state = self.state();
            let calls = state.calls.len();
            let due = state.interruption.take_if(|interruption| interruption.at_call == calls);
            if due.is_some() {
                state.struck = Some(operation);
            }
            due
        };
        if let Some(Interruption { meanwhile, .. }) = due {
            // Nothing here ever waits: the clock jumps.
            meanwhile(self).now_or_never().unwrap();
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
