//! The event an SQS event source sends to its function ([example]).
//!
//! [example]: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Serialize;

use crate::message_queue::{MessageAttribute, ReceivedMessage};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SqsEvent<'a> {
    records: Vec<SqsRecord<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SqsRecord<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: &'a str,
    attributes: &'a BTreeMap<String, String>,
    message_attributes: BTreeMap<&'a str, SqsAttribute<'a>>,
    md5_of_body: &'a str,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SqsAttribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [&'static str; 0],
    binary_list_values: [&'static str; 0],
    data_type: &'a str,
}

impl<'a> SqsAttribute<'a> {
    fn of(attribute: &'a MessageAttribute) -> Self {
        Self {
            string_value: attribute.string_value.as_deref(),
            binary_value: attribute.binary_value.as_ref().map(|value| STANDARD.encode(value)),
            string_list_values: [],
            binary_list_values: [],
            data_type: &attribute.data_type,
        }
    }
}

/// The event for `messages` of the queue with this ARN.
///
/// # Errors
///
/// None in practice: every key is text and every value plain.
pub(crate) fn sqs_event(
    messages: &[ReceivedMessage],
    queue_arn: &str,
    region: &str,
) -> Result<Bytes, serde_json::Error> {
    let records = messages.iter().map(|message| record(message, queue_arn, region)).collect();
    serde_json::to_vec(&SqsEvent { records }).map(Bytes::from)
}

fn record<'a>(message: &'a ReceivedMessage, queue_arn: &'a str, region: &'a str) -> SqsRecord<'a> {
    SqsRecord {
        message_id: &message.message_id,
        receipt_handle: &message.receipt_handle,
        body: &message.body,
        attributes: &message.attributes,
        message_attributes: attributes(message),
        md5_of_body: &message.md5_of_body,
        event_source: "aws:sqs",
        event_source_arn: queue_arn,
        aws_region: region,
    }
}

fn attributes(message: &ReceivedMessage) -> BTreeMap<&str, SqsAttribute<'_>> {
    let attributes = message.message_attributes.iter();
    attributes.map(|(name, attribute)| (name.as_str(), SqsAttribute::of(attribute))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_record_has_the_shape_of_the_documented_event() {
        let attribute = |data_type: &str, string: Option<&str>, binary: Option<&[u8]>| MessageAttribute {
            data_type: data_type.to_owned(),
            string_value: string.map(str::to_owned),
            binary_value: binary.map(<[u8]>::to_vec),
        };
        let message = ReceivedMessage {
            message_id: "id-1".to_owned(),
            receipt_handle: "handle".to_owned(),
            body: "hello".to_owned(),
            md5_of_body: "5d41402abc4b2a76b9719d911017c592".to_owned(),
            attributes: BTreeMap::from([("ApproximateReceiveCount".to_owned(), "1".to_owned())]),
            message_attributes: BTreeMap::from([
                ("bytes".to_owned(), attribute("Binary", None, Some(&[0, 255]))),
                ("text".to_owned(), attribute("String", Some("x"), None)),
            ]),
        };

        let event = sqs_event(&[message], "arn:aws:sqs:us-east-1:1:q", "us-east-1").unwrap();

        let expected = json!({ "Records": [{
            "messageId": "id-1",
            "receiptHandle": "handle",
            "body": "hello",
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {
                "bytes": { "binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary" },
                "text": { "stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String" },
            },
            "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:1:q",
            "awsRegion": "us-east-1",
        }] });
        assert_eq!(serde_json::from_slice::<Value>(&event).unwrap(), expected);
    }
}
