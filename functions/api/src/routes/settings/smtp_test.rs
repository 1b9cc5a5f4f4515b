//! `POST /api/settings/smtp/test`: does this server take mail from us?
//!
//! The body is a server as in `smtp`, with `email`, to whom, and `from_email`, from whom. One mail goes there and
//! nowhere else, and nothing is stored. The answer has the dialogue line by line, with every secret masked; it holds
//! the two addresses that were given, so it goes to the caller and not to the log.

use std::time::Duration;

use fanmail_domain::{MailServer, MailServers};
use fanmail_engine::ports::Clock;
use fanmail_mailer::{Sender, server_config, trial_message};
use fanmail_runtime::Chain;
use fanmail_smtp::{Message, Outcome, ServerConfig, Transcript, try_send};
use serde_json::{Value, json};

use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};

/// What the whole session may take: API Gateway gives up after 30 s.
const LIMIT: Duration = Duration::from_secs(20);

/// What is asked for.
struct Trial {
    server: MailServer,
    message: Message,
}

pub(in crate::routes) async fn smtp_test(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let trial = Trial::parse(call, request.json()?)?;
    let config = config(call, &trial.server).await?;
    let (transcript, result) = try_send(&config, Some(&trial.message)).await;
    let (sent, said) = match &result {
        Ok(Some(outcome)) => (matches!(outcome, Outcome::Accepted { .. }), outcome.to_string()),
        Ok(None) => (false, "nothing was sent".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    tracing::info!(sent, "tried a mail server");
    let data = shown(sent, &said, &transcript);
    if sent { Ok(Reply::data(data)) } else { Err(ApiError::RefusedWith(502, said, data)) }
}

fn shown(sent: bool, said: &str, transcript: &Transcript) -> Value {
    json!({ "sent": sent, "result": said, "dialogue": transcript.lines() })
}

async fn config(call: &Call<'_>, server: &MailServer) -> Result<ServerConfig, ApiError> {
    let password = match &server.password {
        Some(place) => {
            let read = call.ports.secrets.read(place).await;
            Some(read.map_err(|error| ApiError::bad(&Chain(&error).to_string()))?)
        }
        None => None,
    };
    let mut config = server_config(server, password);
    config.timeouts = config.timeouts.within(LIMIT);
    Ok(config)
}

impl Trial {
    fn parse(call: &Call<'_>, mut body: Value) -> Result<Self, ApiError> {
        let keys = body.as_object_mut().ok_or_else(|| ApiError::bad("a server is an object of keys"))?;
        let mut text = |key: &str, what: &str| match keys.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(ApiError::bad(&format!("{key} is missing: {what}"))),
        };
        let to = text("email", "the address that the mail goes to")?;
        let from = text("from_email", "the address that it comes from")?;
        let server: MailServer =
            serde_json::from_value(body).map_err(|error| ApiError::bad(&error.to_string()))?;
        let review = MailServers { smtp: vec![server.clone()], ..MailServers::default() }.review();
        if !review.errors.is_empty() {
            return Err(ApiError::bad(&review.errors.join("; ")));
        }
        let from = address("from_email", &from)?;
        let message = trial_message(&from, &address("email", &to)?, call.ports.clock.now());
        let message = message.map_err(|error| ApiError::bad(&error.to_string()))?;
        Ok(Self { server, message })
    }
}

fn address(key: &str, text: &str) -> Result<Sender, ApiError> {
    Sender::parse(text).map_err(|error| ApiError::bad(&format!("{key}: {error}")))
}
