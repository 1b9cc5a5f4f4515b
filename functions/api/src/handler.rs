//! One HTTP request.

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fanmail_domain::Timestamp;
use fanmail_engine::ports::{Clock, PortError};
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::metrics::Metric;
use fanmail_runtime::{Chain, usage};
use lambda_runtime::Context;

use crate::Ports;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::routes;
use crate::schedules::Schedules;

/// What a route works with: the ports, and until when it has to answer.
pub(crate) struct Call<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) until: Timestamp,
}

pub(crate) async fn handle(
    ports: &Ports,
    event: ApiGatewayV2httpRequest,
    context: &Context,
) -> ApiGatewayV2httpResponse {
    let until = invocation::from_context(context, ports.clock.now(), RESERVE).stop_at;
    let call = Call { ports, until };
    let answered = match Request::parse(event) {
        // Boxed, so that the futures of all routes do not become one type.
        Ok(request) => Box::pin(routes::route(&call, &request)).await,
        Err(error) => Err(error),
    };
    let used = usage::report("api", &ports.store, &ports.queue);
    let failed = ports.schedules.as_ref().map_or(0, Schedules::take_failed);
    ports.metrics.write(ports.clock.now(), &[(Metric::SchedulesFailed, failed.into())], &used);
    answered.unwrap_or_else(|error| refused(error, &context.request_id)).into_event()
}

/// Turns an error into an answer. What went wrong inside is for the log; the caller gets the request id.
fn refused(error: ApiError, request_id: &str) -> Reply {
    match error {
        ApiError::Refused(status, message) => Reply::message(status, &message),
        ApiError::RefusedWith(status, message, data) => Reply::message_with(status, &message, &data),
        ApiError::Broken(error) => {
            let cause: &PortError = &error;
            tracing::error!(request.id = request_id, error = %Chain(cause), "could not answer request {request_id}");
            Reply::message(500, &format!("something is wrong on our side; the request's id is {request_id}"))
        }
    }
}
