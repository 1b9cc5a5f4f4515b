//! The sliding windows, in memory.

use fanmail_domain::WindowLog;
use fanmail_engine::ports::{Conditional, PortError, WindowKey, Windows};

use crate::World;

impl Windows for World {
    async fn window(&self, key: WindowKey) -> Result<WindowLog, PortError> {
        self.call_window("window", |state| state.windows.get(&key).cloned().unwrap_or_default())
    }

    async fn write_window(
        &self,
        key: WindowKey,
        log: &WindowLog,
    ) -> Result<Conditional<WindowLog>, PortError> {
        self.call_window("write_window", |state| {
            let stands = state.windows.get(&key);
            if stands.map_or(0, |stands| stands.rev) + 1 != log.rev {
                return Conditional::Rejected(stands.cloned());
            }
            state.windows.insert(key, log.clone());
            Conditional::Applied
        })
    }
}

impl World {
    /// Lets the store of the windows fall silent, or answer again.
    pub fn lose_windows(&self, lost: bool) {
        self.state().windows_lost = lost;
    }

    /// What is remembered of a window.
    pub fn window_log(&self, key: WindowKey) -> WindowLog {
        self.state().windows.get(&key).cloned().unwrap_or_default()
    }

    fn call_window<T>(
        &self,
        operation: &'static str,
        effect: impl FnOnce(&mut crate::world::State) -> T,
    ) -> Result<T, PortError> {
        if self.state().windows_lost {
            return Err(PortError::new(operation, "a simulated outage"));
        }
        self.call(operation, effect)
    }
}
