//! One HTTP request.

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fanmail_domain::Timestamp;
use fanmail_engine::ports::{Clock, PortError};
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::metrics::Metric;
use fanmail_runtime::{Chain, usage};
use fanmail_store::StoreError;
use lambda_runtime::Context;

use crate::Ports;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::routes;
use crate::schedules::Schedules;

/// What a route works with: the ports, who asks, and until when there has to be an answer.
pub(crate) struct Call<'a> {
    pub(crate) ports: &'a Ports,
    /// As the journal names the caller.
    pub(crate) actor: &'a str,
    pub(crate) until: Timestamp,
}

pub(crate) async fn handle(
    ports: &Ports,
    event: ApiGatewayV2httpRequest,
    context: &Context,
) -> ApiGatewayV2httpResponse {
    let until = invocation::from_context(context, ports.clock.now(), RESERVE).stop_at;
    let answered = answer(ports, event, until).await;
    let used = usage::report("api", &ports.store, &ports.queue);
    let failed = ports.schedules.as_ref().map_or(0, Schedules::take_failed);
    ports.metrics.write(ports.clock.now(), &[(Metric::SchedulesFailed, failed.into())], &used);
    answered.unwrap_or_else(|error| refused(error, &context.request_id)).into_event()
}

async fn answer(ports: &Ports, event: ApiGatewayV2httpRequest, until: Timestamp) -> Result<Reply, ApiError> {
    let request = Request::parse(event)?;
    let actor = if routes::is_public(&request) {
        String::new()
    } else {
        ports.auth.caller(&ports.store, ports.clock.now(), &request.authorization).await?
    };
    let call = Call { ports, actor: &actor, until };
    // Boxed, so that the futures of all routes do not become one type.
    Box::pin(routes::route(&call, &request)).await
}

/// Turns an error into an answer. What went wrong inside is for the log; the caller gets the request id.
fn refused(error: ApiError, request_id: &str) -> Reply {
    match error {
        ApiError::Refused(status, message) => Reply::message(status, &message),
        ApiError::RefusedWith(status, message, data) => Reply::message_with(status, &message, &data),
        ApiError::Broken(error) => {
            let cause: &PortError = &error;
            tracing::error!(request.id = request_id, error = %Chain(cause), "could not answer request {request_id}");
            if let Some(other @ StoreError::Version { .. }) = error.source.downcast_ref() {
                return Reply::message(503, &other.to_string());
            }
            Reply::message(500, &format!("something is wrong on our side; the request's id is {request_id}"))
        }
    }
}
