//! AUTH PLAIN (RFC 4616) and AUTH LOGIN, both inside AUTH of RFC 4954.
//!
//! PLAIN is one command with its initial response. LOGIN is three, each answered by 334 until the last.
//! Neither hides the password from the network; that is TLS's work.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::capabilities::Capabilities;
use crate::config::Credentials;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::wire::Wire;

/// Tells the server who we are. The reply is the last one read: 235 where it worked.
pub(crate) async fn authenticate(
    wire: &mut Wire,
    offered: &Capabilities,
    credentials: &Credentials,
    limit: Duration,
) -> Result<Reply, Failure> {
    let mechanisms = offered.auth.unwrap_or_default();
    let lines = if mechanisms.plain {
        vec![plain(credentials)?]
    } else if mechanisms.login {
        login(credentials)
    } else {
        return Err(Failure::NoMechanism);
    };

    let (last, first) = lines.split_last().ok_or(Failure::NoMechanism)?;
    for line in first {
        let reply = wire.command(line.as_bytes(), limit).await?;
        if reply.code() != 334 {
            // The server has decided already: 235, or a refusal of the mechanism or the user.
            return Ok(reply);
        }
    }
    wire.command(last.as_bytes(), limit).await
}

fn plain(credentials: &Credentials) -> Result<String, Failure> {
    let Credentials { user, password, .. } = credentials;
    // NUL separates the parts (RFC 4616 section 2).
    if user.contains('\0') || password.contains('\0') {
        return Err(Failure::Setting("user name or password"));
    }
    Ok(format!("AUTH PLAIN {}\r\n", STANDARD.encode(format!("\0{user}\0{password}"))))
}

fn login(credentials: &Credentials) -> Vec<String> {
    vec![
        "AUTH LOGIN\r\n".to_owned(),
        format!("{}\r\n", STANDARD.encode(&credentials.user)),
        format!("{}\r\n", STANDARD.encode(&credentials.password)),
    ]
}
