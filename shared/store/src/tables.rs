//! The tables themselves: created where there is no template to do it.

use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
};
use fanmail_engine::ports::PortError;

use crate::Store;
use crate::error::{InOperation, StoreError};
use crate::keys::{PK, SK};
use crate::write::Table;

/// How often a new table's state is looked at; on AWS it takes some seconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After so many looks a table is given up: a minute.
const LOOKS: u32 = 600;

impl Store {
    /// Creates the tables that do not exist, waits until they can be used, and sees to it that they are of our version.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer, a table does not become active, or was written by another version.
    /// Asking again is safe.
    pub async fn create_tables(&self) -> Result<(), PortError> {
        for table in Table::BOTH {
            self.create_table(table).await.during("create a table")?;
            self.agree(table).await.during("agree on the version of a table")?;
        }
        Ok(())
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
