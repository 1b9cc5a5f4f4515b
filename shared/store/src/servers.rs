//! The mail servers that are data: one item, changed whole.

use fanmail_domain::MailServers;
use fanmail_engine::ports::{Conditional, PortError};

use crate::Store;
use crate::conditional::{decoded, put_if};
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys;
use crate::write::{Table, Write};

impl Store {
    /// The mail servers that stand, and their revision; none and 0 where nobody has named any.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or the item cannot be read.
    pub async fn servers_with_rev(&self) -> Result<(MailServers, u32), PortError> {
        self.read_servers().await.during("read the mail servers")
    }

    async fn read_servers(&self) -> Result<(MailServers, u32), StoreError> {
        let item = self.get(Table::Campaigns, keys::servers()).await?;
        let stored = item.as_ref().map(items::servers::decode).transpose()?;
        Ok(stored.unwrap_or_default())
    }

    /// Replaces the mail servers of revision `seen`. A rejection holds what stands instead.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer. The change may have taken place: read, and compare.
    pub async fn replace_servers(
        &self,
        servers: &MailServers,
        seen: u32,
    ) -> Result<Conditional<(MailServers, u32)>, PortError> {
        let put = Write::put(Table::Campaigns, items::servers::encode(servers, seen + 1));
        let put = if seen == 0 { put.if_absent() } else { put.if_follows(items::servers::REV, seen + 1) };
        let answer = put_if(self, put).await;
        let answer = answer.and_then(|answer| decoded(answer, items::servers::decode));
        answer.during("replace the mail servers")
    }
}
