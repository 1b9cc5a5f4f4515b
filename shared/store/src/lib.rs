//! The DynamoDB adapter: every conditional write of the project.
//!
//! Two tables: *audience* holds everything about people, *campaigns* holds none of it. The items, their keys
//! and every condition are listed in `docs/data-model.md`; the modules in `items` know how each is written and read.
//!
//! Writes go through two wrappers, one for single items and one for transactions. A write that names what it
//! read answers a lost race with the item that won, and never with an error. Every request reports what it
//! consumed to [`Store::usage`].

mod attributes;
mod audience;
mod campaigns;
mod campaigns_admin;
mod conditional;
mod error;
mod fingerprint;
mod import;
mod items;
mod keys;
mod ledger;
mod lists;
mod neighbours;
mod read;
mod recipients;
mod rows;
mod schema;
mod servers;
mod settings;
mod subscribers;
mod tables;
mod tokens;
mod transaction;
mod usage;
mod windows;
mod write;

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use fanmail_domain::{EmailAddress, SubscriberId};

pub use campaigns_admin::CampaignDraft;
pub use error::{DecodeError, StoreError};
pub use import::{Import, Imported, NewSubscriber, Overwrite};
pub use recipients::JournalPage;
pub use schema::{SCHEMA_VERSION, SchemaCheck};
pub use tokens::StoredToken;
pub use usage::Usage;

use schema::Agreed;
use usage::Meter;
use write::Table;

/// Names of the two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// Lists, subscribers and memberships: personal data.
    pub audience: String,
    /// Campaigns, the ledger and the journal: no personal data.
    pub campaigns: String,
}

/// The id of an address at a place of its sequence.
type Derive = fn(&EmailAddress, u32) -> SubscriberId;

/// Everything that is stored. Clones share their connections and their counters.
#[derive(Clone)]
pub struct Store {
    client: Client,
    tables: TableNames,
    meter: Arc<Meter>,
    agreed: Arc<Agreed>,
    derive: Derive,
}

impl Store {
    /// A store in these tables. Nothing is sent yet.
    #[must_use]
    pub fn new(client: Client, tables: TableNames) -> Self {
        Self { client, tables, meter: Arc::default(), agreed: Arc::default(), derive: SubscriberId::derive }
    }

    /// The same store with another derivation of ids: with one whose ids collide, tests reach what 53 bits of
    /// SHA-256 hardly ever do.
    #[must_use]
    pub fn with_ids(self, derive: fn(&EmailAddress, u32) -> SubscriberId) -> Self {
        Self { derive, ..self }
    }

    /// What this store and its clones consumed so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// What this store and its clones consumed since this was last asked.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        self.meter.take()
    }

    fn table(&self, table: Table) -> &str {
        match table {
            Table::Audience => &self.tables.audience,
            Table::Campaigns => &self.tables.campaigns,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("tables", &self.tables).finish_non_exhaustive()
    }
}
