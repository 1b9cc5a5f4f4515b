//! Lists: made, looked at, counted.

use fanmail_domain::{List, ListId, Optin, Timestamp};
use fanmail_engine::ports::PortError;

use crate::Store;
use crate::conditional::{count_up, put_if};
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys::{self, LISTS};
use crate::read::Range;
use crate::write::{Table, Write};

impl Store {
    /// Makes an empty list.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer. The list may have been made: asking again makes another.
    pub async fn create_list(&self, name: &str, optin: Optin, now: Timestamp) -> Result<List, PortError> {
        self.make_list(name, optin, now).await.during("create a list")
    }

    async fn make_list(&self, name: &str, optin: Optin, now: Timestamp) -> Result<List, StoreError> {
        let id = ListId(count_up(self, Table::Audience, keys::counter("lists")).await?);
        let list = List { id, name: name.to_owned(), optin, subscribers: 0, created_at: now };
        // The number is ours alone, so what stands there is our own first try.
        let put = Write::put(Table::Audience, items::list::encode(&list)).if_absent();
        put_if(self, put).await.map(drop)?;
        Ok(list)
    }

    /// One list.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or the list cannot be read.
    pub async fn list(&self, id: ListId) -> Result<Option<List>, PortError> {
        let item = self.get(Table::Audience, keys::list(id)).await.during("read a list")?;
        item.as_ref().map(items::list::decode).transpose().during("read a list")
    }

    /// All lists, in order of their ids.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a list cannot be read.
    pub async fn lists(&self) -> Result<Vec<List>, PortError> {
        let items = self.all(Table::Audience, LISTS.to_owned(), Range::All).await.during("read all lists")?;
        items.iter().map(items::list::decode).collect::<Result<_, _>>().during("read all lists")
    }
}
