//! One call of a port: on its way, its effect, and its answer on the way back.
//!
//! Both ways take time, and both are awaits at which the process can be dropped. A strike decides what goes
//! wrong. A call that left its process takes effect even if the process dies meanwhile.

use std::future::pending;

use fanmail_engine::ports::PortError;

use super::{Process, State};
use crate::faults::{Service, Strike};
use crate::oracle::witness::Freeze;
use crate::rng::ALWAYS;
use crate::time::MILLI;

/// What a port says when a fault struck; everything else that ends an invocation is the engine's own error.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a simulated fault")]
pub struct SimulatedFault;

impl Process {
    /// Carries out one call of `service`.
    pub(super) async fn call<T, E>(
        &self,
        service: Service,
        operation: &'static str,
        effect: E,
    ) -> Result<T, PortError>
    where
        T: Send + 'static,
        E: FnOnce(&mut State, &str) -> T + Send + 'static,
    {
        let (there_ns, strike) = self.leave(operation).await;
        self.world.exec.sleep(there_ns).await;
        match strike {
            Strike::CrashInTheAir => {
                self.carry_out_after(0, effect);
                return self.die().await;
            }
            Strike::LateEffect(late_ns) => {
                self.carry_out_after(late_ns, effect);
                return Err(lost(operation));
            }
            Strike::Error => return Err(lost(operation)),
            Strike::None
            | Strike::CrashBefore
            | Strike::CrashAfter
            | Strike::FreezeBefore(_)
            | Strike::FreezeAfter(_)
            | Strike::LostAnswer
            | Strike::Slow(_) => {}
        }
        let answer = {
            let mut state = self.world.state();
            if self.world.scenario.weather.is_away(service, state.now_ns) {
                state.counts.add("calls into an outage");
                state.note(&self.name, || format!("{operation}: nobody there"));
                return Err(lost(operation));
            }
            effect(&mut state, &self.name)
        };
        self.come_back(strike).await;
        if strike == Strike::LostAnswer { Err(lost(operation)) } else { Ok(answer) }
    }

    /// The way to the call's effect: how long it takes, and what strikes it.
    pub(super) async fn leave(&self, operation: &'static str) -> (u64, Strike) {
        let (there_ns, strike) = self.draw(operation);
        match strike {
            Strike::CrashBefore => self.die().await,
            Strike::FreezeBefore(ns) => {
                self.freeze(ns);
                self.world.exec.sleep(0).await;
                (there_ns, strike)
            }
            Strike::Slow(ns) => (there_ns + ns, strike),
            Strike::None
            | Strike::CrashInTheAir
            | Strike::CrashAfter
            | Strike::FreezeAfter(_)
            | Strike::Error
            | Strike::LostAnswer
            | Strike::LateEffect(_) => (there_ns, strike),
        }
    }

    /// The way back.
    pub(super) async fn come_back(&self, strike: Strike) {
        match strike {
            Strike::CrashAfter => return self.die().await,
            Strike::FreezeAfter(ns) => self.freeze(ns),
            Strike::None
            | Strike::CrashBefore
            | Strike::CrashInTheAir
            | Strike::FreezeBefore(_)
            | Strike::Error
            | Strike::LostAnswer
            | Strike::LateEffect(_)
            | Strike::Slow(_) => {}
        }
        let back_ns = {
            let latency = self.world.scenario.latency_ns;
            latency_of(&mut self.world.state(), latency)
        };
        self.world.exec.sleep(back_ns).await;
    }

    fn draw(&self, operation: &'static str) -> (u64, Strike) {
        let mut state = self.world.state();
        let state = &mut *state;
        state.counts.add("calls");
        let strike = self.world.scenario.weather.strike(&mut state.rng, state.now_ns);
        if let Some(kind) = strike.name() {
            state.counts.add(kind);
            state.note(&self.name, || format!("{operation}: struck by {strike:?}"));
        }
        (latency_of(state, self.world.scenario.latency_ns), strike)
    }

    fn carry_out_after<T, E>(&self, late_ns: u64, effect: E)
    where
        E: FnOnce(&mut State, &str) -> T + Send + 'static,
        T: Send + 'static,
    {
        let process = self.clone();
        drop(self.world.exec.spawn(async move {
            process.world.exec.sleep(late_ns).await;
            let late = format!("{} (late)", process.name);
            effect(&mut process.world.state(), &late)
        }));
    }

    /// Ends the process here: nothing of it is ever polled again.
    pub(super) async fn die<T>(&self) -> T {
        self.kill();
        pending().await
    }

    /// Ends the process at the await that comes next.
    pub(super) fn kill(&self) {
        self.world.exec.kill(self.task);
    }

    fn freeze(&self, ns: u64) {
        let until = self.world.exec.now_ns() + ns;
        self.world.exec.freeze(self.task, until);
        let mut state = self.world.state();
        let now_ns = state.now_ns;
        state.witness.freezes.push(Freeze { task: self.task, from_ns: now_ns, until_ns: until });
    }
}

fn latency_of(state: &mut State, most_ns: u64) -> u64 {
    // In whole milliseconds, so that processes meet in the same moment and the scheduler has a choice.
    let most = (most_ns / MILLI).max(1);
    let one = if state.rng.chance(ALWAYS / 2) { 1 } else { state.rng.within(1..=most) };
    one * MILLI
}

fn lost(operation: &'static str) -> PortError {
    PortError::new(operation, SimulatedFault)
}
