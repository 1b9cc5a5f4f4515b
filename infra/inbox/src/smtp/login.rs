//! AUTH PLAIN (RFC 4616) and AUTH LOGIN.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::command;
use super::session::Session;
use super::wire::Line;
use crate::config::{Auth, Credentials};

/// Why there are no credentials.
enum NoLogin {
    /// The client gave up with `*`.
    Cancelled,
    /// Not Base64, or not the parts that the mechanism asks for.
    Malformed,
}

impl Session {
    /// Carries AUTH out. `false` if the client went away in the middle of it.
    pub(super) async fn auth(&mut self, auth: command::Auth) -> io::Result<bool> {
        if self.shared.config.auth == Auth::Off {
            self.wire.reply(502, "5.5.1", "AUTH is not offered");
            return Ok(true);
        }
        if self.authenticated || self.envelope.is_some() {
            self.wire.reply(503, "5.5.1", "not now");
            return Ok(true);
        }
        let login = match auth.mechanism.as_str() {
            "PLAIN" => self.plain(auth.initial).await?,
            "LOGIN" => self.login(auth.initial).await?,
            _ => {
                self.wire.reply(504, "5.5.4", "mechanism not supported");
                return Ok(true);
            }
        };
        let Some(login) = login else { return Ok(false) };
        self.answer(login);
        Ok(true)
    }

    fn answer(&mut self, login: Result<Credentials, NoLogin>) {
        match login {
            Err(NoLogin::Cancelled) => self.wire.reply(501, "5.7.0", "cancelled"),
            Err(NoLogin::Malformed) => self.wire.reply(501, "5.5.2", "cannot decode that"),
            Ok(login) if self.may_enter(&login) => {
                self.authenticated = true;
                self.wire.reply(235, "2.7.0", "welcome");
            }
            Ok(_) => self.wire.reply(535, "5.7.8", "wrong name or password"),
        }
    }

    fn may_enter(&self, login: &Credentials) -> bool {
        match &self.shared.config.auth {
            Auth::Off => false,
            Auth::Any => true,
            Auth::Only(known) => known.contains(login),
        }
    }

    async fn plain(&mut self, initial: Option<String>) -> io::Result<Option<Result<Credentials, NoLogin>>> {
        Ok(self.response(initial, "").await?.map(|text| {
            let text = text?;
            // authzid NUL authcid NUL passwd
            let mut parts = text.split('\0').skip(1);
            match (parts.next(), parts.next(), parts.next()) {
                (Some(user), Some(password), None) => {
                    Ok(Credentials { user: user.to_owned(), password: password.to_owned() })
                }
                _ => Err(NoLogin::Malformed),
            }
        }))
    }

    async fn login(&mut self, initial: Option<String>) -> io::Result<Option<Result<Credentials, NoLogin>>> {
        let user = match self.response(initial, "Username:").await? {
            Some(Ok(user)) => user,
            Some(Err(err)) => return Ok(Some(Err(err))),
            None => return Ok(None),
        };
        let password = self.response(None, "Password:").await?;
        Ok(password.map(|password| Ok(Credentials { user, password: password? })))
    }

    /// The decoded initial response, or the answer to a challenge.
    async fn response(
        &mut self,
        initial: Option<String>,
        challenge: &str,
    ) -> io::Result<Option<Result<String, NoLogin>>> {
        if let Some(initial) = initial {
            // RFC 4954, section 4: "=" is an empty initial response.
            return Ok(Some(decode(if initial == "=" { b"" } else { initial.as_bytes() })));
        }
        self.wire.raw(format_args!("334 {}\r\n", STANDARD.encode(challenge)));
        Ok(self.wire.next_line().await?.map(|line| match line {
            Line::Text(text) if *text == *b"*" => Err(NoLogin::Cancelled),
            Line::Text(text) => decode(&text),
            Line::TooLong | Line::BareLf => Err(NoLogin::Malformed),
        }))
    }
}

fn decode(text: &[u8]) -> Result<String, NoLogin> {
    let decoded = STANDARD.decode(text).map_err(|_| NoLogin::Malformed)?;
    String::from_utf8(decoded).map_err(|_| NoLogin::Malformed)
}
