//! The HTTP API: which paths stand apart, and what its log may hold.

use serde_json::Value;

use crate::template::{Template, number, words};

/// Paths that ask for no token, apart from the others so that each kind has its own throttle.
const PUBLIC: [&str; 2] = ["ANY /unsubscribe/{proxy+}", "GET /api/health"];
/// What the access log may name; neither paths, which hold subscribers' numbers, nor addresses of clients.
const LOGGED: [&str; 8] = [
    "requestId",
    "requestTime",
    "routeKey",
    "status",
    "responseLatency",
    "integrationLatency",
    "responseLength",
    "integrationErrorMessage",
];

fn stage(template: &Template) -> Value {
    template.properties("ApiStage").clone()
}

/// Everything is throttled, and public paths on their own.
pub(crate) fn public_paths(template: &Template) -> Vec<String> {
    let stage = stage(template);
    let routes: Vec<_> =
        template.all("AWS::ApiGatewayV2::Route").map(|(_, route)| words(&route["RouteKey"])).collect();
    let mut faults = Vec::new();
    for path in PUBLIC {
        if !routes.iter().any(|route| route == path) {
            faults.push(format!("{path} does not stand apart"));
        }
        if stage["RouteSettings"][path]["ThrottlingRateLimit"].is_null() {
            faults.push(format!("{path} has no throttle of its own"));
        }
    }
    if stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_null() {
        faults.push("the API is not throttled".to_owned());
    }
    if words(&template.properties("ApiIntegration")["IntegrationUri"]) != "ApiFunctionAliaslive" {
        faults.push("the API passes the alias by".to_owned());
    }
    let timeout = number(&template.properties("ApiFunction")["Timeout"]);
    if timeout.is_none_or(|timeout| timeout >= 30) {
        faults.push("the function may take longer than an HTTP API waits".to_owned());
    }
    faults
}

/// The access log is JSON and names nobody.
pub(crate) fn access_log(template: &Template) -> Vec<String> {
    let stage = stage(template);
    let format = words(&stage["AccessLogSettings"]["Format"]);
    let mut faults = Vec::new();
    if serde_json::from_str::<Value>(&format).is_err() {
        faults.push("a line of the access log is not JSON".to_owned());
    }
    for named in format.split("$context.").skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
        if !LOGGED.contains(&named) {
            faults.push(format!("the access log holds {named}"));
        }
    }
    faults
}
