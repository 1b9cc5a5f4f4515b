//! Errors in the shape of the Lambda API: the class in a header, a message in the body.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

/// A refused request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    class: &'static str,
    message: String,
}

impl ApiError {
    pub(super) fn not_found(message: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, class: "ResourceNotFoundException", message }
    }

    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status: StatusCode::BAD_REQUEST, class: "InvalidParameterValueException", message }
    }

    pub(super) fn invalid_content(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status: StatusCode::BAD_REQUEST, class: "InvalidRequestContentException", message }
    }

    pub(super) fn throttled() -> Self {
        let message = "Rate Exceeded.".to_owned();
        Self { status: StatusCode::TOO_MANY_REQUESTS, class: "TooManyRequestsException", message }
    }

    pub(super) fn service(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, class: "ServiceException", message }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // `Reason` tells the SDKs which limit was met; it has no meaning for other classes.
        let body = if self.status == StatusCode::TOO_MANY_REQUESTS {
            json!({
                "Type": "User",
                "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                "message": self.message,
            })
        } else {
            json!({ "Type": "User", "Message": self.message })
        };
        (self.status, [("x-amzn-errortype", self.class)], Json(body)).into_response()
    }
}
