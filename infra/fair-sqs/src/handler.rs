//! The same over HTTP: what concerns messages and counts goes through [`FairSqs`], the rest to the engine.

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_http::{body::SqsResponseBody, dispatch::SqsHandler, response::json_response};
use rustack_sqs_model::{error::SqsError, operations::SqsOperation};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Answer, FairSqs};

type Response = http::Response<SqsResponseBody>;

/// Answers requests in SQS's JSON protocol, for the engine's HTTP service.
#[derive(Debug)]
pub struct FairSqsHandler {
    sqs: Arc<FairSqs>,
    engine: Arc<RustackSqsHandler>,
}

impl FairSqsHandler {
    /// A handler for these queues.
    #[must_use]
    pub fn new(sqs: Arc<FairSqs>) -> Self {
        let engine = Arc::new(RustackSqsHandler::new(Arc::clone(&sqs.engine)));
        Self { sqs, engine }
    }
}

impl SqsHandler for FairSqsHandler {
    fn handle_operation(
        &self,
        operation: SqsOperation,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Answer<Response>> + Send>> {
        let (sqs, engine) = (Arc::clone(&self.sqs), Arc::clone(&self.engine));
        Box::pin(async move { dispatch(&sqs, &engine, operation, body).await })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else the engine learns is its own affair")]
async fn dispatch(
    sqs: &FairSqs,
    engine: &RustackSqsHandler,
    operation: SqsOperation,
    body: Bytes,
) -> Answer<Response> {
    use SqsOperation as Op;
    match operation {
        Op::SendMessage => run(&body, |input| sqs.send_message(input)).await,
        Op::SendMessageBatch => run(&body, |input| sqs.send_message_batch(input)).await,
        Op::ReceiveMessage => run(&body, |input| sqs.receive_message(input)).await,
        Op::DeleteMessage => run(&body, |input| sqs.delete_message(input)).await,
        Op::DeleteMessageBatch => run(&body, |input| sqs.delete_message_batch(input)).await,
        Op::ChangeMessageVisibility => run(&body, |input| sqs.change_message_visibility(input)).await,
        Op::ChangeMessageVisibilityBatch => {
            run(&body, |input| sqs.change_message_visibility_batch(input)).await
        }
        Op::GetQueueAttributes => run(&body, |input| sqs.get_queue_attributes(input)).await,
        Op::SetQueueAttributes => run(&body, |input| sqs.set_queue_attributes(input)).await,
        Op::ListQueues => run(&body, |input| sqs.list_queues(input)).await,
        Op::PurgeQueue => run(&body, |input| sqs.purge_queue(input)).await,
        Op::DeleteQueue => run(&body, |input| sqs.delete_queue(input)).await,
        other => engine.handle_operation(other, body).await,
    }
}

async fn run<I: DeserializeOwned, O: Serialize, F: Future<Output = Answer<O>>>(
    body: &[u8],
    operation: impl FnOnce(I) -> F,
) -> Answer<Response> {
    let input = serde_json::from_slice(body)
        .map_err(|error| SqsError::invalid_parameter_value(format!("the request cannot be read: {error}")))?;
    let output = operation(input).await?;
    let json = serde_json::to_vec(&output)
        .map_err(|error| SqsError::internal_error(format!("the answer cannot be written: {error}")))?;
    Ok(json_response(json, &uuid::Uuid::new_v4().to_string()))
}
