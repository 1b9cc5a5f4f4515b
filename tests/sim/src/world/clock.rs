//! A process's clock: the world's, and off by the process's skew.

use fanmail_domain::Timestamp;
use fanmail_engine::ports::Clock;

use super::Process;
use crate::scenario::Sabotage;
use crate::time::MILLI;

impl Clock for Process {
    fn now(&self) -> Timestamp {
        Timestamp((self.world.exec.now_ns() / MILLI).saturating_add_signed(self.skew_ms))
    }

    fn monotonic_ns(&self) -> u64 {
        self.world.exec.now_ns()
    }

    async fn sleep_until_ns(&self, at_ns: u64) {
        let hasty = self.world.scenario.is_broken(Sabotage::HastyClocks);
        let now_ns = self.world.exec.now_ns();
        let at_ns = if hasty { now_ns + at_ns.saturating_sub(now_ns) / 10 } else { at_ns };
        self.world.exec.sleep_until(at_ns).await;
    }
}
