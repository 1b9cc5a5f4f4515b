//! Reserved concurrency of a function.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{error::ApiError, function};
use crate::registry::Registry;

/// `PutFunctionConcurrency`'s request and every operation's answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Concurrency {
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved_concurrent_executions: Option<u32>,
}

pub(super) async fn put(
    State(registry): State<Arc<Registry>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Concurrency>, ApiError> {
    let function = function(&registry, &name)?;
    let wanted: Concurrency = serde_json::from_slice(&body).map_err(|_| {
        ApiError::invalid_parameter("ReservedConcurrentExecutions must be a number, 0 or more")
    })?;
    let Some(reserved) = wanted.reserved_concurrent_executions else {
        return Err(ApiError::invalid_parameter("ReservedConcurrentExecutions is missing"));
    };
    function.set_reserved_concurrency(Some(reserved));
    Ok(Json(wanted))
}

pub(super) async fn get(
    State(registry): State<Arc<Registry>>,
    Path(name): Path<String>,
) -> Result<Json<Concurrency>, ApiError> {
    let reserved_concurrent_executions = function(&registry, &name)?.reserved_concurrency();
    Ok(Json(Concurrency { reserved_concurrent_executions }))
}

pub(super) async fn delete(
    State(registry): State<Arc<Registry>>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    function(&registry, &name)?.set_reserved_concurrency(None);
    Ok(StatusCode::NO_CONTENT)
}
