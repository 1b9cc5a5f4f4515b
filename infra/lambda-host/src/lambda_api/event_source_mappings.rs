//! Settings of event sources.
//!
//! `FunctionResponseTypes` is ignored: partial batch responses are always understood. A mapping cannot be given to
//! another function.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{error::ApiError, function};
use crate::{
    clock,
    event_source::{EventSource, EventSourceSpec},
    registry::Registry,
};

/// What `UpdateEventSourceMapping` may change; what is absent stays.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Update {
    batch_size: Option<u32>,
    enabled: Option<bool>,
    maximum_batching_window_in_seconds: Option<u64>,
    scaling_config: Option<ScalingConfig>,
    function_name: Option<String>,
}

/// Present and empty, it removes the limit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScalingConfig {
    maximum_concurrency: Option<u32>,
}

impl Update {
    fn apply(self, spec: EventSourceSpec) -> EventSourceSpec {
        let window = self.maximum_batching_window_in_seconds.map(Duration::from_secs);
        EventSourceSpec {
            batch_size: self.batch_size.unwrap_or(spec.batch_size),
            enabled: self.enabled.unwrap_or(spec.enabled),
            batching_window: window.unwrap_or(spec.batching_window),
            maximum_concurrency: match self.scaling_config {
                Some(scaling) => scaling.maximum_concurrency,
                None => spec.maximum_concurrency,
            },
            ..spec
        }
    }
}

/// Filter of `ListEventSourceMappings`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    function_name: Option<String>,
    event_source_arn: Option<String>,
}

pub(super) async fn get(
    State(registry): State<Arc<Registry>>,
    Path(uuid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let source = find(&registry, &uuid)?;
    Ok(Json(configuration(&registry, &source.spec())))
}

pub(super) async fn update(
    State(registry): State<Arc<Registry>>,
    Path(uuid): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let source = find(&registry, &uuid)?;
    let update: Update =
        serde_json::from_slice(&body).map_err(|error| ApiError::invalid_parameter(error.to_string()))?;
    let before = source.spec();
    if let Some(name) = &update.function_name
        && function(&registry, name)?.spec().name != before.function
    {
        return Err(ApiError::invalid_parameter("FunctionName cannot be changed here"));
    }
    let after = update.apply(before);
    after.check().map_err(ApiError::invalid_parameter)?;
    source.update(after.clone());
    Ok((StatusCode::ACCEPTED, Json(configuration(&registry, &after))))
}

pub(super) async fn list(
    State(registry): State<Arc<Registry>>,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, ApiError> {
    let wanted = filter.function_name.map(|name| function(&registry, &name)).transpose()?;
    let mappings: Vec<Value> = registry
        .event_sources()
        .iter()
        .map(|source| source.spec())
        .filter(|spec| wanted.as_ref().is_none_or(|function| function.spec().name == spec.function))
        .filter(|spec| filter.event_source_arn.as_ref().is_none_or(|arn| *arn == spec.queue_arn))
        .map(|spec| configuration(&registry, &spec))
        .collect();
    Ok(Json(json!({ "EventSourceMappings": mappings })))
}

fn find(registry: &Registry, uuid: &str) -> Result<Arc<EventSource>, ApiError> {
    let not_found = || ApiError::not_found("The resource you requested does not exist.".to_owned());
    registry.event_source(uuid).ok_or_else(not_found)
}

/// An `EventSourceMappingConfiguration`. `LastModified` is now: nobody here asks for it, but it is expected.
fn configuration(registry: &Registry, spec: &EventSourceSpec) -> Value {
    let function_arn = registry.function(&spec.function).map(|function| function.arn().to_owned());
    let scaling = match spec.maximum_concurrency {
        Some(maximum) => json!({ "MaximumConcurrency": maximum }),
        None => json!({}),
    };
    json!({
        "UUID": spec.uuid,
        "BatchSize": spec.batch_size,
        "MaximumBatchingWindowInSeconds": spec.batching_window.as_secs(),
        "EventSourceArn": spec.queue_arn,
        "FunctionArn": function_arn.unwrap_or_default(),
        "LastModified": clock::epoch_ms() / 1000,
        "State": if spec.enabled { "Enabled" } else { "Disabled" },
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": scaling,
    })
}
