//! The engine's port to the sliding windows.

use fanmail_domain::WindowLog;
use fanmail_engine::ports::{Conditional, PortError, WindowKey, Windows};

use crate::Store;
use crate::conditional::{decoded, put_if};
use crate::error::InOperation;
use crate::items;
use crate::keys;
use crate::write::{Table, Write};

impl Windows for Store {
    async fn window(&self, key: WindowKey) -> Result<WindowLog, PortError> {
        let item = self.get(Table::Campaigns, keys::window(key)).await;
        let decoded = item.and_then(|item| Ok(item.as_ref().map(items::window::decode).transpose()?));
        Ok(decoded.during("read a sliding window")?.unwrap_or_default())
    }

    async fn write_window(
        &self,
        key: WindowKey,
        log: &WindowLog,
    ) -> Result<Conditional<WindowLog>, PortError> {
        let put = Write::put(Table::Campaigns, items::window::encode(key, log));
        // The first revision that is written is 1.
        let put = if log.rev == 1 { put.if_absent() } else { put.if_follows(items::window::REV, log.rev) };
        let answer = put_if(self, put).await;
        answer.and_then(|answer| decoded(answer, items::window::decode)).during("write a sliding window")
    }
}
