//! Runs the rows: starts the processes, compares the counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::MailerError;
use super::cores::Cores;
use super::process::{self, Server};
use super::render::Rendered;
use super::rows::{Contestant, Row, Service};
use super::sample::Sample;
use super::tally::{Tally, hash};
use crate::{machine, smtp_source};

/// Octets of the messages that smtp-source sends.
const YARDSTICK_OCTETS: u64 = 7_000;

/// What the processes are made of.
#[derive(Debug, Clone)]
pub struct Bench {
    /// This program.
    pub program: PathBuf,
    /// Which cores.
    pub cores: Cores,
    /// Postfix's load tool, where it is installed.
    pub smtp_source: Option<PathBuf>,
    /// The sink offers CHUNKING.
    pub chunking: bool,
}

/// What a row measured: the samples of each contestant; none for one that is not installed.
pub type Measured = Vec<(Contestant, Vec<Sample>)>;

impl Bench {
    /// Measures one row. The contestants take turns.
    ///
    /// # Errors
    ///
    /// [`MailerError`]. A count that differs is no error: the [`Sample`] says so.
    pub fn row(&self, row: &Row) -> Result<Measured, MailerError> {
        let mut server = Server::start(&mut self.server(row), self.cores.server)?;
        let mut measured: Measured = row.contestants.iter().map(|who| (*who, Vec::new())).collect();
        for run in 1..=row.repeat {
            for (contestant, samples) in &mut measured {
                if let Some((mut client, who)) = self.client(*contestant, row, &server) {
                    eprintln!("{}, run {run} of {}: {who} …", row.name, row.repeat);
                    samples.push(self.sample(&mut client, *contestant, row, &mut server)?);
                }
            }
        }
        Ok(measured)
    }

    fn sample(
        &self,
        client: &mut Command,
        contestant: Contestant,
        row: &Row,
        server: &mut Server,
    ) -> Result<Sample, MailerError> {
        let (load, before) = (machine::load(), server.cpu_us());
        let ended = process::run(client, self.cores.client, contestant.name())?;
        let counted = server.take_tally()?;
        let sent = match contestant {
            Contestant::SmtpSource => yardsticks_tally(row.messages as u64),
            Contestant::Own(_) => serde_json::from_str(&ended.stdout)
                .map_err(|error| MailerError::Answer(contestant.name(), error))?,
        };
        Ok(Sample {
            messages: counted.messages,
            elapsed_us: u64::try_from(ended.elapsed.as_micros()).unwrap_or(u64::MAX),
            cpu_us: ended.cpu_us,
            server_cpu_us: server.cpu_us().saturating_sub(before),
            octets: counted.octets,
            load,
            is_whole: is_whole(sent, counted, row.messages as u64),
        })
    }

    fn server(&self, row: &Row) -> Command {
        let mut command = self.part(match row.service {
            Service::Smtp => "sink",
            Service::Ses => "ses-stub",
        });
        if row.service == Service::Smtp {
            command.args(["--delay-ms", &row.delay.as_millis().to_string()]);
            command.args(self.chunking.then_some("--chunking"));
        }
        command
    }

    /// `None` for a tool that is not installed.
    fn client(&self, who: Contestant, row: &Row, server: &Server) -> Option<(Command, &'static str)> {
        let Contestant::Own(client) = who else {
            let tool: &Path = self.smtp_source.as_ref()?;
            let (sessions, messages) = (row.connections, row.messages as u64);
            let command = smtp_source::command(tool, server.addr, sessions, messages, YARDSTICK_OCTETS);
            return Some((command, who.name()));
        };
        let mut command = self.part("send");
        let name = clap::ValueEnum::to_possible_value(&client)?;
        command.arg(name.get_name()).args(["--server", &server.addr.to_string()]);
        let numbers = [
            ("--messages", row.messages),
            ("--connections", row.connections),
            ("--in-flight", row.in_flight),
        ];
        for (option, value) in numbers {
            command.args([option, &value.to_string()]);
        }
        Some((command, who.name()))
    }

    fn part(&self, part: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["part", part]);
        command
    }

    /// Measures rendering alone, on the client's core.
    ///
    /// # Errors
    ///
    /// [`MailerError`].
    pub fn render(&self, messages: usize) -> Result<Rendered, MailerError> {
        eprintln!("render …");
        let mut command = self.part("render");
        command.args(["--messages", &messages.to_string()]);
        let ended = process::run(&mut command, self.cores.client, "render")?;
        serde_json::from_str(&ended.stdout).map_err(|error| MailerError::Answer("render", error))
    }
}

/// What smtp-source must have sent: it says nothing itself.
fn yardsticks_tally(messages: u64) -> Tally {
    let recipients = hash(smtp_source::RECIPIENT.as_bytes()).wrapping_mul(messages);
    Tally { messages, octets: 0, recipients }
}

/// Both ends counted all messages, to the same recipients. (Octets are each end's own business.)
fn is_whole(sent: Tally, counted: Tally, messages: u64) -> bool {
    [sent.messages, counted.messages] == [messages; 2] && sent.recipients == counted.recipients
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(addresses: &[&str]) -> Tally {
        let mut tally = Tally::default();
        addresses.iter().for_each(|address| tally.add(hash(address.as_bytes()), 1));
        tally
    }

    #[test]
    fn a_run_is_whole_only_if_both_ends_counted_the_same() {
        let sent = tally(&["a", "b"]);
        assert!(is_whole(sent, tally(&["b", "a"]), 2));
        assert!(!is_whole(sent, tally(&["a"]), 2), "one was lost");
        assert!(!is_whole(sent, tally(&["a", "b", "b"]), 2), "one was doubled");
        assert!(!is_whole(sent, tally(&["a", "a"]), 2), "one was lost and one doubled");
        assert!(!is_whole(tally(&["a"]), tally(&["a"]), 2), "one was not accepted");
        assert!(is_whole(yardsticks_tally(2), tally(&[smtp_source::RECIPIENT; 2]), 2));
    }
}
