//! What was said in one session, line by line, for the person who tests a server.
//!
//! ```text
//! -- connected to 192.0.2.1:587
//! S: 220 mx.test ready
//! C: STARTTLS
//! -- TLSv1_3 with TLS13_AES_256_GCM_SHA384
//! C: AUTH PLAIN ***
//! C: (1234 octets)
//! ```
//!
//! Masked are: what follows the mechanism's name in AUTH, every answer to a 334, and wherever the server repeats one of
//! them or the password. A message is a number of octets. The addresses of the envelope are there as they were
//! given: **not for logs**.

use std::fmt;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::budget::Budget;
use crate::config::ServerConfig;
use crate::message::Message;
use crate::outcome::Outcome;
use crate::probe::ProbeError;
use crate::session::Connection;

const MASK: &str = "***";

/// Shorter secrets are not looked for in what the server says: they would be found everywhere.
const SHORTEST_SECRET: usize = 4;

/// The dialogue of one session. `Display` has it line by line; `Debug`, for logs, only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    /// Each begins with `C: ` (we), `S: ` (the server) or `-- ` (what is said by nobody).
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transcript({} lines)", self.lines.len())
    }
}

/// Tries a server, as the person who sets it up wants it tried, and tells what was said.
///
/// One session on a connection of its own, in lockstep, with at most one message. `Ok(None)` is a session that came
/// about without a message to send.
///
/// Takes at most [`Timeouts::longest`](crate::Timeouts::longest).
pub async fn try_send(
    config: &ServerConfig,
    message: Option<&Message>,
) -> (Transcript, Result<Option<Outcome>, ProbeError>) {
    let recorder = SharedRecorder::new(config);
    let budget = Budget::begin(config.timeouts.message);
    let result = match Connection::connect_recorded(config, budget, Some(recorder.clone())).await {
        Ok(connection) => Ok(talk(connection.in_lockstep(), message, budget).await),
        Err(error) => Err(ProbeError::new(config, error)),
    };
    (recorder.finish(), result)
}

async fn talk(mut connection: Connection, message: Option<&Message>, budget: Budget) -> Option<Outcome> {
    let outcome = match message {
        Some(message) => Some(connection.send_within(message, budget).await),
        None => None,
    };
    connection.quit().await;
    outcome
}

/// A recorder that the stream and whoever reads the transcript hold together.
#[derive(Debug, Clone)]
pub(crate) struct SharedRecorder(Arc<Mutex<Recorder>>);

impl SharedRecorder {
    fn new(config: &ServerConfig) -> Self {
        let password = config.credentials.as_ref().map(|credentials| credentials.password.clone());
        Self(Arc::new(Mutex::new(Recorder::new(password))))
    }

    pub(crate) fn borrow(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self) -> Transcript {
        let mut recorder = self.borrow();
        recorder.end_lines();
        Transcript { lines: take(&mut recorder.lines) }
    }
}

/// Makes lines of what passes through a stream. Lockstep is what tells it what the client's next bytes are.
pub(crate) struct Recorder {
    lines: Vec<String>,
    heard: Vec<u8>,
    said: Vec<u8>,
    next: Next,
    secrets: Vec<String>,
}

/// What the client says next.
#[derive(Clone, Copy)]
enum Next {
    Command,
    /// The answer to a 334.
    Secret,
    /// The message; so many octets of it have passed.
    Message(usize),
}

impl Recorder {
    fn new(password: Option<String>) -> Self {
        let secrets = password.into_iter().collect();
        Self { lines: Vec::new(), heard: Vec::new(), said: Vec::new(), next: Next::Command, secrets }
    }

    /// Something that is worth a line and was said by nobody.
    pub(crate) fn note(&mut self, text: &str) {
        self.lines.push(format!("-- {text}"));
    }

    /// Bytes from the server.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.end_message();
        self.heard.extend_from_slice(bytes);
        while let Some(line) = take_line(&mut self.heard) {
            self.hear_line(&line);
        }
    }

    /// Bytes to the server.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        if let Next::Message(octets) = &mut self.next {
            *octets += bytes.len();
            return;
        }
        self.said.extend_from_slice(bytes);
        while let Some(line) = take_line(&mut self.said) {
            self.say_line(line);
        }
    }

    fn hear_line(&mut self, line: &str) {
        self.next = match line.get(..3) {
            Some("334") => Next::Secret,
            Some("354") => Next::Message(0),
            _ => Next::Command,
        };
        let secrets = self.secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET);
        let line = secrets.fold(line.to_owned(), |line, secret| line.replace(secret, MASK));
        self.lines.push(format!("S: {line}"));
    }

    fn say_line(&mut self, line: String) {
        let secret = match self.next {
            Next::Secret => line.clone(),
            Next::Command | Next::Message(_) => initial_response(&line).to_owned(),
        };
        let shown = &line[..line.len() - secret.len()];
        self.lines.push(format!("C: {shown}{}", if secret.is_empty() { "" } else { MASK }));
        self.secrets.push(secret);
    }

    fn end_message(&mut self) {
        if let Next::Message(octets @ 1..) = self.next {
            self.lines.push(format!("C: ({octets} octets)"));
            self.next = Next::Command;
        }
    }

    /// What was left without a line end.
    fn end_lines(&mut self) {
        self.end_message();
        let (heard, said) = (take(&mut self.heard), take(&mut self.said));
        if !said.is_empty() {
            self.say_line(String::from_utf8_lossy(&said).into_owned());
        }
        if !heard.is_empty() {
            self.hear_line(&String::from_utf8_lossy(&heard));
        }
    }
}

/// Nothing of what passed belongs into a log.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// `AUTH PLAIN this part`; empty for all other commands.
fn initial_response(line: &str) -> &str {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(verb), Some(_), Some(response)) if verb.eq_ignore_ascii_case("AUTH") => response,
        _ => "",
    }
}

/// The first whole line, without its end.
fn take_line(bytes: &mut Vec<u8>) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line: Vec<u8> = bytes.drain(..=end).collect();
    Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(steps: &[(char, &str)]) -> Vec<String> {
        let mut recorder = Recorder::new(Some("geheim".to_owned()));
        for (who, bytes) in steps {
            match who {
                'S' => recorder.hear(bytes.as_bytes()),
                _ => recorder.say(bytes.as_bytes()),
            }
        }
        recorder.end_lines();
        recorder.lines
    }

    #[test]
    fn a_dialogue_is_told_line_by_line() {
        let lines = record(&[
            ('S', "220 hi\r\n"),
            ('C', "EHLO me\r\n"),
            ('S', "250-mx\r\n250 SI"),
            ('S', "ZE\r\n"),
            ('C', "DATA\r\n"),
            ('S', "354 go\r\n"),
            ('C', "334 is no reply here\r\n"),
            ('C', ".\r\n"),
            ('S', "250 ok\r\n"),
            ('C', "QUIT\r\n"),
        ]);
        let expected = [
            "S: 220 hi",
            "C: EHLO me",
            "S: 250-mx",
            "S: 250 SIZE",
            "C: DATA",
            "S: 354 go",
            "C: (25 octets)",
            "S: 250 ok",
            "C: QUIT",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn secrets_are_masked_wherever_they_are_said_and_cut() {
        let lines = record(&[
            ('C', "AUTH PLA"),
            ('C', "IN c2VjcmV0\r\n"),
            ('S', "334 VXNlcm5hbWU6\r\n"),
            ('C', "Z2Vo"),
            ('C', "ZWlt\r\n"),
            ('S', "334 \r\n"),
            ('C', "\r\n"),
            ('S', "535 not geheim, Z2VoZWlt or c2VjcmV0\r\n"),
            ('C', "auth xoauth2 dG9rZW4= more"),
        ]);
        let expected = [
            "C: AUTH PLAIN ***",
            "S: 334 VXNlcm5hbWU6",
            "C: ***",
            "S: 334 ",
            "C: ",
            "S: 535 not ***, *** or ***",
            "C: auth xoauth2 ***",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_message_that_was_broken_off_and_half_a_line_are_told_too() {
        let lines = record(&[('S', "354 go\r\n"), ('C', "12345"), ('S', "4"), ('S', "21 bye")]);
        assert_eq!(lines, ["S: 354 go", "C: (5 octets)", "S: 421 bye"]);
        assert_eq!(record(&[('S', "354 go\r\n"), ('C', "12345")]), ["S: 354 go", "C: (5 octets)"]);
        assert_eq!(record(&[('S', "SSH-2.0")]), ["S: SSH-2.0"]);
    }
}
