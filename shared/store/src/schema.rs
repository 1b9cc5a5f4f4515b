//! Which version of the schema a table has, and that no other is written to it.
//!
//! Each table names the version of what is in it, in an item of its own. The first write of a process to a table looks
//! at it, whoever writes and whatever: where the table is of another version, nothing is written, so an older or newer
//! fanmail never changes by its rules what it cannot read. A table that names no version is new, for a
//! deployment makes tables and no items: whoever writes first names its own version, on the condition that nobody else
//! did.
//!
//! A process looks once. What changes the version of a table while processes run has to stop them first.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_engine::ports::{Conditional, PortError};

use crate::Store;
use crate::attributes::{Builder, Item, Reader, number};
use crate::conditional::put_unseen;
use crate::error::{DecodeError, InOperation, StoreError};
use crate::keys;
use crate::write::{Table, Write};

/// The version of everything stored. It grows when an older fanmail could not read what a newer one wrote.
pub const SCHEMA_VERSION: u32 = 4;

const VERSION: &str = "version";

/// Whether the tables hold what this version reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaCheck {
    /// They do.
    Matches,
    /// They were written by another version, or by none.
    Differs {
        /// The version that wrote them; `None` if a table names none.
        found: Option<u32>,
        /// The version that is needed.
        expected: u32,
    },
}

/// The tables that were looked at, and fit.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    audience: AtomicBool,
    campaigns: AtomicBool,
}

impl Agreed {
    fn on(&self, table: Table) -> &AtomicBool {
        match table {
            Table::Audience => &self.audience,
            Table::Campaigns => &self.campaigns,
        }
    }
}

impl Store {
    /// Compares the version that the tables name with [`SCHEMA_VERSION`], and writes nothing.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or there are no tables.
    pub async fn check_schema(&self) -> Result<SchemaCheck, PortError> {
        for table in Table::BOTH {
            let found = self.schema_of(table).await.during("read the version of a table")?;
            if found != Some(SCHEMA_VERSION) {
                return Ok(SchemaCheck::Differs { found, expected: SCHEMA_VERSION });
            }
        }
        Ok(SchemaCheck::Matches)
    }

    /// Sees to it that the table is of our version, before anything is written to it.
    pub(crate) async fn agree(&self, table: Table) -> Result<(), StoreError> {
        if self.agreed.on(table).load(Ordering::Relaxed) {
            return Ok(());
        }
        let found = match self.schema_of(table).await? {
            Some(found) => found,
            None => self.claim(table).await?,
        };
        if found != SCHEMA_VERSION {
            let table = self.table(table).to_owned();
            return Err(StoreError::Version { table, found, expected: SCHEMA_VERSION });
        }
        self.agreed.on(table).store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Names our version in a table that names none; answers the version that stands then.
    async fn claim(&self, table: Table) -> Result<u32, StoreError> {
        let put = Write::put(table, encode(number(SCHEMA_VERSION))).if_absent();
        match put_unseen(self, put).await? {
            Conditional::Rejected(Some(other)) => Ok(decode(&other)?),
            Conditional::Applied | Conditional::Rejected(None) => Ok(SCHEMA_VERSION),
        }
    }

    async fn schema_of(&self, table: Table) -> Result<Option<u32>, StoreError> {
        let item = self.get(table, keys::schema()).await?;
        Ok(item.as_ref().map(decode).transpose()?)
    }
}

fn encode(version: AttributeValue) -> Item {
    Builder::new(keys::schema()).with(VERSION, version).build()
}

fn decode(item: &Item) -> Result<u32, DecodeError> {
    Reader(item).number(VERSION)
}
