//! What the environment has to say.

use fanmail_runtime::vars::Vars;

use crate::Ports;

const REQUIRED: [&str; 5] = [
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "FANMAIL_AUDIENCE_TABLE",
    "FANMAIL_CAMPAIGNS_TABLE",
];

#[test]
fn everything_that_is_missing_is_named_at_once_and_nothing_else_is_needed() {
    let error = Ports::from_vars(Vars::new([])).map(|_| ()).unwrap_err().to_string();
    let missing = REQUIRED.map(|name| format!("{name} is not set"));
    assert_eq!(error, format!("the environment does not fit: {}", missing.join("; ")));
    let local = ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1");
    let found = REQUIRED.into_iter().map(|name| (name, "x")).chain([local]);
    assert!(Ports::from_vars(Vars::new(found.map(|(name, value)| (name.into(), value.into())))).is_ok());
}
