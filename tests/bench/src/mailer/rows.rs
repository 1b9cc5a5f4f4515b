//! Which rows there are: who takes part, under which conditions, and which ratio is of interest. Pure.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use super::part::Client;

/// Microseconds that one message of 7 KB may take to make: at least, and the goal.
pub const RENDER_US: (f64, f64) = (8.0, 2.0);

/// A row, or a family of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowKind {
    /// One core each for client and server, no distance
    Core,
    /// The server is 5 ms and 50 ms away
    Rtt,
    /// Rendering and MIME alone
    Render,
    /// SES over HTTP
    Ses,
}

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contestant {
    /// A client of this program.
    Own(Client),
    /// Postfix's load tool: lockstep, no templates, the same octets each time.
    SmtpSource,
}

/// Our mailer over SMTP.
pub const FANMAIL: Contestant = Contestant::Own(Client::Fanmail);
/// The Rust library.
pub const LETTRE: Contestant = Contestant::Own(Client::Lettre);
/// Our client of SES.
pub const SES_FANMAIL: Contestant = Contestant::Own(Client::SesFanmail);
/// The plain SDK call.
pub const SES_SDK: Contestant = Contestant::Own(Client::SesSdk);

impl Contestant {
    /// As the report calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FANMAIL => "fanmail",
            LETTRE => "lettre",
            SES_FANMAIL => "ses_fanmail",
            SES_SDK => "ses_sdk",
            Self::SmtpSource => "smtp_source",
        }
    }
}

/// Which server a row needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The counting sink.
    Smtp,
    /// The stub of SES.
    Ses,
}

/// A figure that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Messages per second: more is better.
    Rate,
    /// CPU time per message: less is better.
    Cpu,
}

/// fanmail divided by a yardstick, and what issues asked of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Of what.
    pub measure: Measure,
    /// Who is divided.
    pub of: Contestant,
    /// By whom.
    pub by: Contestant,
    /// The least that is asked for.
    pub asked: f64,
    /// What is hoped for.
    pub goal: f64,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name in the report.
    pub name: String,
    /// Which server.
    pub service: Service,
    /// How far away it seems to be.
    pub delay: Duration,
    /// Connections of each contestant.
    pub connections: usize,
    /// Messages under way at a time, for contestants that tell them from connections.
    pub in_flight: usize,
    /// Messages of each run.
    pub messages: usize,
    /// Runs of each contestant.
    pub repeat: u32,
    /// Who takes part.
    pub contestants: Vec<Contestant>,
    /// What is compared.
    pub ratios: Vec<Ratio>,
}

/// How large the rows are.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Size {
    /// Messages of a run without distance.
    pub messages: usize,
    /// Messages per connection at 5 ms; a quarter of that at 50 ms.
    pub messages_per_connection: usize,
    /// Calls of a run over HTTP.
    pub calls: usize,
    /// Messages under way per connection.
    pub depth: usize,
    /// Runs of each contestant; with distance three fifths as many.
    pub repeat: u32,
}

impl Size {
    /// For a figure.
    pub const FULL: Self =
        Self { messages: 50_000, messages_per_connection: 400, calls: 10_000, depth: 4, repeat: 5 };
    /// To see that everything works.
    pub const QUICK: Self =
        Self { messages: 300, messages_per_connection: 8, calls: 100, depth: 4, repeat: 1 };
}

/// The rows of `kind` that send. None for [`RowKind::Render`].
#[must_use]
pub fn rows(kind: RowKind, size: Size) -> Vec<Row> {
    match kind {
        RowKind::Core => vec![core(size)],
        RowKind::Rtt => [(5, 16), (5, 64), (50, 16), (50, 64)].map(|(ms, conns)| rtt(ms, conns, size)).into(),
        RowKind::Render => Vec::new(),
        RowKind::Ses => vec![ses(size)],
    }
}

fn core(size: Size) -> Row {
    let rate = |by, asked, goal| Ratio { measure: Measure::Rate, of: FANMAIL, by, asked, goal };
    Row {
        name: "core".to_owned(),
        service: Service::Smtp,
        delay: Duration::ZERO,
        connections: 16,
        in_flight: 16 * size.depth,
        messages: size.messages,
        repeat: size.repeat,
        contestants: vec![FANMAIL, Contestant::SmtpSource, LETTRE],
        ratios: vec![
            rate(Contestant::SmtpSource, 2.0, 3.5),
            Ratio { measure: Measure::Cpu, of: FANMAIL, by: Contestant::SmtpSource, asked: 0.7, goal: 0.4 },
            rate(LETTRE, 3.0, 6.0),
        ],
    }
}

fn rtt(ms: u64, connections: usize, size: Size) -> Row {
    let each = if ms > 5 { size.messages_per_connection / 4 } else { size.messages_per_connection };
    let by = Contestant::SmtpSource;
    Row {
        name: format!("rtt_{ms}ms_{connections}"),
        service: Service::Smtp,
        delay: Duration::from_millis(ms),
        connections,
        in_flight: connections * size.depth,
        messages: connections * each,
        repeat: (size.repeat * 3).div_ceil(5),
        contestants: vec![FANMAIL, by],
        ratios: vec![Ratio { measure: Measure::Rate, of: FANMAIL, by, asked: 3.0, goal: 4.0 }],
    }
}

fn ses(size: Size) -> Row {
    Row {
        name: "ses".to_owned(),
        service: Service::Ses,
        delay: Duration::ZERO,
        connections: 16,
        in_flight: 16,
        messages: size.calls,
        repeat: size.repeat,
        contestants: vec![SES_FANMAIL, SES_SDK],
        ratios: vec![Ratio { measure: Measure::Cpu, of: SES_FANMAIL, by: SES_SDK, asked: 1.1, goal: 0.4 }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn rows_have_names_of_their_own_and_compare_only_who_takes_part() {
        let all: Vec<_> = RowKind::value_variants().iter().flat_map(|kind| rows(*kind, Size::FULL)).collect();
        let names: HashSet<_> = all.iter().map(|row| row.name.clone()).collect();
        assert_eq!((names.len(), all.len()), (6, 6));
        for row in all {
            for ratio in &row.ratios {
                assert!(
                    row.contestants.contains(&ratio.of) && row.contestants.contains(&ratio.by),
                    "{row:?}"
                );
            }
        }
    }

    #[test]
    fn everybody_has_the_same_connections_and_each_connection_something_to_do() {
        for row in RowKind::value_variants().iter().flat_map(|kind| rows(*kind, Size::QUICK)) {
            assert!(row.messages >= row.connections && row.in_flight >= row.connections, "{row:?}");
            assert!(row.repeat >= 1, "{row:?}");
        }
    }
}
