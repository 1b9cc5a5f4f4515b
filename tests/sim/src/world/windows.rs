//! The port to the sliding windows.

use fanmail_domain::WindowLog;
use fanmail_engine::ports::{Conditional, PortError, WindowKey, Windows};

use super::{Process, State};
use crate::faults::Service::Store;
use crate::scenario::Sabotage;

impl Windows for Process {
    async fn window(&self, key: WindowKey) -> Result<WindowLog, PortError> {
        let read =
            move |state: &mut State, _: &str| state.stored.windows.get(&key).cloned().unwrap_or_default();
        self.call(Store, "read a window", read).await
    }

    async fn write_window(
        &self,
        key: WindowKey,
        log: &WindowLog,
    ) -> Result<Conditional<WindowLog>, PortError> {
        let (log, blind) = (log.clone(), self.world.scenario.is_broken(Sabotage::BlindWindowWrites));
        let write = move |state: &mut State, who: &str| {
            let stands = state.stored.windows.get(&key).cloned();
            if !blind && stands.as_ref().map_or(0, |stands| stands.rev) + 1 != log.rev {
                state.note(who, || format!("window {key:?} r{}: refused", log.rev));
                return Conditional::Rejected(stands);
            }
            let shares: u32 = log.grants.iter().map(|grant| grant.shares).sum();
            state.note(who, || format!("window {key:?} r{}: {shares} shares count", log.rev));
            state.stored.windows.insert(key, log);
            Conditional::Applied
        };
        self.call(Store, "write a window", write).await
    }
}
