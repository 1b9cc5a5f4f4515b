//! How many senders work at once: the sender function's reserved concurrency, and the maximum of its event
//! source.
//!
//! The reserved concurrency is the limit. The maximum keeps the pollers from asking for more than it, which
//! would count as deliveries; AWS wants it at 2 or more, so one sender has none. It is never above the reserved
//! concurrency: more senders are reserved first, fewer are first taken from the pollers.
//!
//! An account whose own limit is small cannot reserve. There `FANMAIL_SENDER_RESERVED=off` leaves the maximum as the
//! only limit, and one sender alone is refused.
//!
//! Lambda refuses to change what it is changing at the moment (409, or *in use*); that passes within seconds, and is
//! asked again until the request's time is up.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::BehaviorVersion;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::types::ScalingConfig;
use fanmail_domain::Timestamp;
use fanmail_engine::ports::{BoxError, Clock, PortError};
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::Vars;

/// The least maximum of an event source ([`ScalingConfig`]).
const LEAST_MAXIMUM: i32 = 2;
/// The pause before a change that was refused for another one is asked for again. Each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The sender function, at the Lambda API.
pub(crate) struct Concurrency {
    client: Client,
    function: String,
    /// Its event source mapping, where the environment names it. A mapping of an alias is not listed under the
    /// function's own name.
    mapping: Option<String>,
    reserved: bool,
}

/// An event source mapping, and its maximum as it stands.
struct Mapping {
    uuid: String,
    maximum: Option<i32>,
}

impl Concurrency {
    /// Where `FANMAIL_SENDER_FUNCTION` names the function. `AWS_ENDPOINT_URL_LAMBDA` leads to another Lambda API.
    pub(crate) fn from_vars(vars: &mut Vars, aws: &AwsConfig) -> Option<Self> {
        let function = vars.optional("FANMAIL_SENDER_FUNCTION")?;
        let reserved = match vars.optional("FANMAIL_SENDER_RESERVED").as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(_) => {
                vars.refuse("FANMAIL_SENDER_RESERVED", "it is `on` or `off`");
                true
            }
        };
        let mapping = vars.optional("FANMAIL_SENDER_MAPPING");
        let endpoint = vars.endpoint("LAMBDA");
        let parts = aws.client_parts(endpoint.as_deref());
        let mut config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(parts.region)
            .credentials_provider(parts.credentials)
            .http_client(parts.http_client)
            .retry_config(parts.retries)
            .timeout_config(parts.timeouts);
        config.set_endpoint_url(endpoint);
        Some(Self { client: Client::from_conf(config.build()), function, mapping, reserved })
    }

    /// The fewest senders that can be had.
    pub(crate) fn least(&self) -> u32 {
        if self.reserved { 1 } else { LEAST_MAXIMUM.unsigned_abs() }
    }

    /// Makes it so many, by `until`. Doing it twice is doing it once.
    pub(crate) async fn set(
        &self,
        senders: u32,
        clock: &impl Clock,
        until: Timestamp,
    ) -> Result<(), PortError> {
        let senders = i32::try_from(senders).unwrap_or(i32::MAX);
        let mappings = self.mappings().await?;
        let fewer = mappings.iter().filter_map(|mapping| mapping.maximum).any(|maximum| maximum > senders);
        let reserve = || self.reserve(senders);
        if fewer && senders >= LEAST_MAXIMUM {
            self.set_maximum(&mappings, senders, clock, until).await?;
            insist(clock, until, reserve).await
        } else {
            insist(clock, until, reserve).await?;
            self.set_maximum(&mappings, senders, clock, until).await
        }
    }

    async fn reserve(&self, senders: i32) -> Result<(), Refused> {
        if !self.reserved {
            return Ok(());
        }
        let put = self.client.put_function_concurrency().function_name(&self.function);
        let put = put.reserved_concurrent_executions(senders).send().await;
        put.map(drop).map_err(|error| Refused::new("reserve the senders' concurrency", error))
    }

    async fn set_maximum(
        &self,
        mappings: &[Mapping],
        senders: i32,
        clock: &impl Clock,
        until: Timestamp,
    ) -> Result<(), PortError> {
        let maximum = (senders >= LEAST_MAXIMUM).then_some(senders);
        let scaling = &ScalingConfig::builder().set_maximum_concurrency(maximum).build();
        for Mapping { uuid, .. } in mappings {
            insist(clock, until, || self.update(uuid, scaling)).await?;
        }
        Ok(())
    }

    async fn update(&self, uuid: &str, scaling: &ScalingConfig) -> Result<(), Refused> {
        let update = self.client.update_event_source_mapping().uuid(uuid).scaling_config(scaling.clone());
        let updated = update.send().await;
        updated.map(drop).map_err(|error| Refused::new("limit the senders' event source", error))
    }

    /// The named mapping, or else the function's: one queue, so one page.
    async fn mappings(&self) -> Result<Vec<Mapping>, PortError> {
        let maximum = |scaling: Option<&ScalingConfig>| scaling.and_then(ScalingConfig::maximum_concurrency);
        if let Some(uuid) = &self.mapping {
            let got = self.client.get_event_source_mapping().uuid(uuid).send().await;
            let got = got.map_err(|error| PortError::new("look at the senders' event source", error))?;
            return Ok(vec![Mapping { uuid: uuid.clone(), maximum: maximum(got.scaling_config()) }]);
        }
        let list = self.client.list_event_source_mappings().function_name(&self.function).send().await;
        let list = list.map_err(|error| PortError::new("list the senders' event sources", error))?;
        let known = list.event_source_mappings().iter();
        let mappings = known.filter_map(|it| {
            Some(Mapping { uuid: it.uuid()?.to_owned(), maximum: maximum(it.scaling_config()) })
        });
        Ok(mappings.collect())
    }
}

/// A change that was not made.
struct Refused {
    error: PortError,
    /// Whether another change is in its way.
    busy: bool,
}

impl Refused {
    fn new(operation: &'static str, error: impl ProvideErrorMetadata + Into<BoxError>) -> Self {
        let busy = matches!(error.code(), Some("ResourceConflictException" | "ResourceInUseException"));
        Self { error: PortError::new(operation, error), busy }
    }
}

/// Asks for a change until no other one is in its way, or the time is up.
async fn insist<F>(clock: &impl Clock, until: Timestamp, change: impl Fn() -> F) -> Result<(), PortError>
where
    F: Future<Output = Result<(), Refused>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match change().await {
            Err(refused) if refused.busy && clock.now().after(pause) < until => {
                let pause_ns = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
                clock.sleep_until_ns(clock.monotonic_ns() + pause_ns).await;
                pause *= 2;
            }
            Err(refused) => return Err(refused.error),
            Ok(()) => return Ok(()),
        }
    }
}
