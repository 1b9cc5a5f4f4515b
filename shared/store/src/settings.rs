//! Settings that are data: one item, changed whole.

use fanmail_domain::Settings;
use fanmail_engine::ports::{Conditional, PortError};

use crate::Store;
use crate::conditional::{decoded, put_if};
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys;
use crate::write::{Table, Write};

impl Store {
    /// The settings that stand, and their revision; 0 where they are the defaults and were never changed.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or the item cannot be read.
    pub async fn settings_with_rev(&self) -> Result<(Settings, u32), PortError> {
        self.read_settings().await.during("read the settings")
    }

    pub(crate) async fn read_settings(&self) -> Result<(Settings, u32), StoreError> {
        let item = self.get(Table::Campaigns, keys::settings()).await?;
        let stored = item.as_ref().map(items::settings::decode).transpose()?;
        Ok(stored.unwrap_or_else(|| (Settings::default(), 0)))
    }

    /// Replaces the settings of revision `seen`. A rejection holds what stands instead.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer. The change may have taken place: read, and compare.
    pub async fn replace_settings(
        &self,
        settings: &Settings,
        seen: u32,
    ) -> Result<Conditional<(Settings, u32)>, PortError> {
        let put = Write::put(Table::Campaigns, items::settings::encode(settings, seen + 1));
        let put = if seen == 0 { put.if_absent() } else { put.if_follows(items::settings::REV, seen + 1) };
        let answer = put_if(self, put).await;
        let answer = answer.and_then(|answer| decoded(answer, items::settings::decode));
        answer.during("replace the settings")
    }
}
