//! The tables themselves: created where there is no template to do it, and recognised by their version.

use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
};
use fanmail_engine::ports::PortError;

use crate::Store;
use crate::attributes::{Builder, Reader, number};
use crate::conditional::put_if;
use crate::error::{InOperation, StoreError};
use crate::keys::{self, PK, SK};
use crate::write::{Table, Write};

/// The version of everything stored. It grows when an older fanmail could not read what a newer one wrote.
pub const SCHEMA_VERSION: u32 = 2;

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

const VERSION: &str = "version";
const BOTH: [Table; 2] = [Table::Audience, Table::Campaigns];
/// How often a new table's state is looked at; on AWS it takes some seconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After so many looks a table is given up: a minute.
const LOOKS: u32 = 600;

impl Store {
    /// Creates the tables that do not exist, waits until they can be used, and writes the schema's version
    /// into those that name none.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a table does not become active. Asking again is safe.
    pub async fn create_tables(&self) -> Result<(), PortError> {
        for table in BOTH {
            self.create_table(table).await.during("create a table")?;
            let version = Builder::new(keys::schema()).with(VERSION, number(SCHEMA_VERSION)).build();
            let put = Write::put(table, version).if_absent();
            put_if(self, put).await.map(drop).during("write the version of a table")?;
        }
        Ok(())
    }

    /// Compares the version that the tables name with [`SCHEMA_VERSION`].
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or there are no tables.
    pub async fn check_schema(&self) -> Result<SchemaCheck, PortError> {
        for table in BOTH {
            let item = self.get(table, keys::schema()).await.during("read the version of a table")?;
            let found = item.as_ref().map(|item| Reader(item).number(VERSION)).transpose();
            let found = found.during("read the version of a table")?;
            if found != Some(SCHEMA_VERSION) {
                return Ok(SchemaCheck::Differs { found, expected: SCHEMA_VERSION });
            }
        }
        Ok(SchemaCheck::Matches)
    }

    async fn create_table(&self, table: Table) -> Result<(), StoreError> {
        let mut request = self.client.create_table().table_name(self.table(table));
        for (name, role) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
            let kind = ScalarAttributeType::S;
            let attribute =
                AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()?;
            let key = KeySchemaElement::builder().attribute_name(name).key_type(role).build()?;
            request = request.attribute_definitions(attribute).key_schema(key);
        }
        if let Err(error) = request.billing_mode(BillingMode::PayPerRequest).send().await {
            let exists = |error: &CreateTableError| error.is_resource_in_use_exception();
            if !error.as_service_error().is_some_and(exists) {
                return Err(StoreError::from_sdk(error));
            }
        }
        self.wait_for(table).await
    }

    async fn wait_for(&self, table: Table) -> Result<(), StoreError> {
        for _ in 0..LOOKS {
            let request = self.client.describe_table().table_name(self.table(table));
            let output = request.send().await.map_err(StoreError::from_sdk)?;
            let status = output.table().and_then(|table| table.table_status());
            if status == Some(&TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(StoreError::NoAnswer("the table does not become active".into()))
    }
}
