//! The sliding windows: what was granted, one item for each.

use std::future::Future;

use fanmail_domain::{CampaignId, WindowLog};

use super::{Conditional, PortError};

/// Which window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WindowKey {
    /// That of the whole system.
    System,
    /// A campaign's own.
    Campaign(CampaignId),
}

/// The sliding windows. A write names the revision it follows: it applies only where `rev - 1` stands; a log
/// that was never written has revision 0.
pub trait Windows: Sync {
    /// What was granted lately.
    fn window(&self, key: WindowKey) -> impl Future<Output = Result<WindowLog, PortError>> + Send;

    /// Writes what is granted now.
    fn write_window(
        &self,
        key: WindowKey,
        log: &WindowLog,
    ) -> impl Future<Output = Result<Conditional<WindowLog>, PortError>> + Send;
}
