//! How many senders work at once: the sender function's reserved concurrency, and the maximum of its event
//! sources.
//!
//! The reserved concurrency is the limit. The maximum keeps the pollers from asking for more than it, which
//! would count as deliveries; AWS wants it at 2 or more, so one sender has none. It is never above the reserved
//! concurrency: more senders are reserved first, fewer are first taken from the pollers.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::BehaviorVersion;
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, ScalingConfig};
use fanmail_engine::ports::PortError;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::Vars;

/// The least maximum of an event source ([`ScalingConfig`]).
const LEAST_MAXIMUM: i32 = 2;

/// The sender function, at the Lambda API.
pub(crate) struct Concurrency {
    client: Client,
    function: String,
}

impl Concurrency {
    /// Where `FANMAIL_SENDER_FUNCTION` names the function. `AWS_ENDPOINT_URL_LAMBDA` leads to another Lambda API.
    pub(crate) fn from_vars(vars: &Vars, aws: &AwsConfig) -> Option<Self> {
        let function = vars.optional("FANMAIL_SENDER_FUNCTION")?;
        let endpoint = vars.optional("AWS_ENDPOINT_URL_LAMBDA");
        let parts = aws.client_parts(endpoint.as_deref());
        let mut config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(parts.region)
            .credentials_provider(parts.credentials)
            .http_client(parts.http_client)
            .retry_config(parts.retries)
            .timeout_config(parts.timeouts);
        config.set_endpoint_url(endpoint);
        Some(Self { client: Client::from_conf(config.build()), function })
    }

    /// Makes it so many. Doing it twice is doing it once.
    pub(crate) async fn set(&self, senders: u32) -> Result<(), PortError> {
        let senders = i32::try_from(senders).unwrap_or(i32::MAX);
        let mappings = self.mappings().await?;
        let maximum = |mapping: &EventSourceMappingConfiguration| {
            mapping.scaling_config().and_then(ScalingConfig::maximum_concurrency)
        };
        let fewer = mappings.iter().filter_map(maximum).any(|maximum| maximum > senders);
        if fewer && senders >= LEAST_MAXIMUM {
            self.set_maximum(&mappings, senders).await?;
            self.reserve(senders).await
        } else {
            self.reserve(senders).await?;
            self.set_maximum(&mappings, senders).await
        }
    }

    async fn reserve(&self, senders: i32) -> Result<(), PortError> {
        let put = self.client.put_function_concurrency().function_name(&self.function);
        let put = put.reserved_concurrent_executions(senders).send().await;
        put.map(drop).map_err(|error| PortError::new("reserve the senders' concurrency", error))
    }

    async fn set_maximum(
        &self,
        mappings: &[EventSourceMappingConfiguration],
        senders: i32,
    ) -> Result<(), PortError> {
        let maximum = (senders >= LEAST_MAXIMUM).then_some(senders);
        let scaling = ScalingConfig::builder().set_maximum_concurrency(maximum).build();
        for uuid in mappings.iter().filter_map(EventSourceMappingConfiguration::uuid) {
            let update = self.client.update_event_source_mapping().uuid(uuid).scaling_config(scaling.clone());
            let updated = update.send().await;
            updated.map_err(|error| PortError::new("limit the senders' event source", error))?;
        }
        Ok(())
    }

    /// The function's event sources: one queue, so one page.
    async fn mappings(&self) -> Result<Vec<EventSourceMappingConfiguration>, PortError> {
        let list = self.client.list_event_source_mappings().function_name(&self.function).send().await;
        let list = list.map_err(|error| PortError::new("list the senders' event sources", error))?;
        Ok(list.event_source_mappings.unwrap_or_default())
    }
}
