//! The mailer's figures, for people and for programs.

use std::fmt;

use serde_json::{Map, Value, json};

use super::bench::Measured;
use super::cores::Cores;
use super::render::Rendered;
use super::rows::{Contestant, Measure, RENDER_US, Ratio, Row, Size};
use super::sample::Figures;
use crate::figures::median;
use crate::machine;

/// All rows of one command.
#[derive(Debug)]
pub struct Report {
    size: Size,
    cores: Cores,
    load_before: f64,
    rows: Vec<(Row, Measured)>,
    rendered: Vec<Rendered>,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(size: Size, cores: Cores) -> Self {
        Self { size, cores, load_before: machine::load(), rows: Vec::new(), rendered: Vec::new() }
    }

    /// Adds a row that sends.
    pub fn add(&mut self, row: Row, measured: Measured) {
        self.rows.push((row, measured));
    }

    /// Adds a run of rendering alone.
    pub fn add_rendered(&mut self, rendered: Rendered) {
        self.rendered.push(rendered);
    }

    /// Whether in every run the server counted what the client sent.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let samples = self.rows.iter().flat_map(|(_, measured)| measured).flat_map(|(_, samples)| samples);
        samples.into_iter().all(|sample| sample.is_whole)
    }

    /// Everything, each run's own figures included; `null` was not measured.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut rows: Map<String, Value> =
            self.rows.iter().map(|(row, measured)| (row.name.clone(), row_json(row, measured))).collect();
        if let Some(us) = self.render_us() {
            rows.insert("render".into(), json!({ "us_per_message": us, "runs": self.rendered }));
        }
        json!({
            "benchmark": "mailer",
            "cores": machine::cores(),
            "pinned": self.cores,
            "load_before": self.load_before,
            "load_after": machine::load(),
            "size": self.size,
            "whole": self.is_whole(),
            "rows": rows,
        })
    }

    fn render_us(&self) -> Option<f64> {
        median(self.rendered.iter().flat_map(|run| run.us_per_message.clone()).collect())
    }
}

fn row_json(row: &Row, measured: &Measured) -> Value {
    let figures: Map<String, Value> =
        measured.iter().map(|(who, samples)| (who.name().into(), json!(Figures::of(samples)))).collect();
    let runs: Map<String, Value> =
        measured.iter().map(|(who, samples)| (who.name().into(), json!(samples))).collect();
    let ratios: Map<String, Value> =
        row.ratios.iter().map(|ratio| (key(ratio), json!(value(ratio, measured)))).collect();
    json!({
        "delay_ms": u64::try_from(row.delay.as_millis()).unwrap_or(u64::MAX),
        "connections": row.connections,
        "in_flight": row.in_flight,
        "messages": row.messages,
        "figures": figures,
        "ratios": ratios,
        "runs": runs,
    })
}

/// `fanmail_rate_by_lettre`.
fn key(ratio: &Ratio) -> String {
    let measure = match ratio.measure {
        Measure::Rate => "rate",
        Measure::Cpu => "cpu",
    };
    format!("{}_{measure}_by_{}", ratio.of.name(), ratio.by.name())
}

/// One median divided by the other.
fn value(ratio: &Ratio, measured: &Measured) -> Option<f64> {
    let figure = |who: Contestant| {
        let (_, samples) = measured.iter().find(|(contestant, _)| *contestant == who)?;
        let figures = Figures::of(samples)?;
        Some(match ratio.measure {
            Measure::Rate => figures.messages_per_s,
            Measure::Cpu => figures.cpu_us_per_message,
        })
    };
    Some(figure(ratio.of)? / figure(ratio.by)?)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "load {:.1} before and {:.1} after, ", self.load_before, machine::load())?;
        match self.cores {
            Cores { client: Some(client), server: Some(server) } => {
                writeln!(f, "client on core {client}, server on core {server}; medians")?;
            }
            _ => writeln!(f, "nothing pinned to a core; medians")?,
        }
        for (row, measured) in &self.rows {
            write_row(f, row, measured)?;
        }
        if let Some(us) = self.render_us() {
            let (asked, goal) = RENDER_US;
            writeln!(f, "\nrender: rendering and MIME alone, one thread")?;
            writeln!(f, "  {:<38}{us:>10.2}  (asked: at most {asked}, goal: {goal})", "CPU us/message")?;
        }
        writeln!(f, "\nA whole sender process is measured by `fanmail-bench campaign`.")
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, measured: &Measured) -> fmt::Result {
    let Row { name, messages, connections, in_flight, repeat, .. } = row;
    let runs = if *repeat == 1 { "1 run".to_owned() } else { format!("{repeat} runs") };
    writeln!(f, "\n{name}: {messages} messages, {connections} connections, {in_flight} in flight, {runs}")?;
    writeln!(
        f,
        "  {:<14}{:>12}{:>20}{:>12}{:>16}{:>13}{:>8}",
        "", "messages/s", "(min-max)", "CPU us/msg", "server us/msg", "server busy", "octets"
    )?;
    for (who, samples) in measured {
        match Figures::of(samples) {
            Some(figures) => write_figures(f, who.name(), figures)?,
            None => writeln!(f, "  {:<14}is not installed (Debian package postfix)", who.name())?,
        }
        let odd = samples.iter().filter(|sample| !sample.is_whole).count();
        if odd > 0 {
            writeln!(f, "  {:<14}LOST OR DOUBLED MESSAGES in {odd} of {} runs", "", samples.len())?;
        }
    }
    row.ratios.iter().try_for_each(|ratio| write_ratio(f, ratio, measured))
}

fn write_figures(f: &mut fmt::Formatter<'_>, name: &str, figures: Figures) -> fmt::Result {
    let (slowest, fastest) = figures.messages_per_s_range;
    writeln!(
        f,
        "  {name:<14}{:>12.0}{:>20}{:>12.1}{:>16.1}{:>13.2}{:>8.0}",
        figures.messages_per_s,
        format!("({slowest:.0}-{fastest:.0})"),
        figures.cpu_us_per_message,
        figures.server_cpu_us_per_message,
        figures.server_busy,
        figures.octets_per_message,
    )
}

fn write_ratio(f: &mut fmt::Formatter<'_>, ratio: &Ratio, measured: &Measured) -> fmt::Result {
    let (what, at) = match ratio.measure {
        Measure::Rate => ("messages/s", "at least"),
        Measure::Cpu => ("CPU", "at most"),
    };
    let label = format!("{} / {}, {what}", ratio.of.name(), ratio.by.name());
    match value(ratio, measured) {
        Some(value) => {
            let Ratio { asked, goal, .. } = ratio;
            writeln!(f, "  {label:<38}{value:>10.2}  (asked: {at} {asked}, goal: {goal})")
        }
        None => writeln!(f, "  {label:<38}{:>10}", "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailer::rows::{FANMAIL, LETTRE, RowKind, rows};
    use crate::mailer::sample::tests::sample;

    fn report(is_whole: bool) -> Report {
        let mut report = Report::new(Size::FULL, Cores { client: Some(0), server: Some(1) });
        let row = rows(RowKind::Core, Size::FULL).remove(0);
        let ours = vec![sample(50_000, 30_000), sample(40_000, 20_000), sample(60_000, 40_000)];
        let theirs = vec![sample(200_000, 90_000), super::super::sample::Sample { is_whole, ..sample(1, 1) }];
        report.add(row, vec![(FANMAIL, ours), (Contestant::SmtpSource, Vec::new()), (LETTRE, theirs)]);
        report.add_rendered(Rendered { us_per_message: vec![9.0, 5.0, 7.0], octets: 1, messages: 1 });
        report
    }

    #[test]
    fn a_ratio_is_of_the_medians_and_missing_where_a_tool_is() {
        let json = report(true).json();
        let row = &json["rows"]["core"];
        assert_eq!(row["figures"]["fanmail"]["messages_per_s"], 20_000.0);
        assert!(
            row["figures"]["smtp_source"].is_null() && row["ratios"]["fanmail_rate_by_smtp_source"].is_null()
        );
        assert!(row["ratios"]["fanmail_rate_by_lettre"].as_f64().is_some());
        assert_eq!(row["runs"]["fanmail"][1]["elapsed_us"], 40_000);
        assert_eq!(json["rows"]["render"]["us_per_message"], 7.0);
    }

    #[test]
    fn the_table_says_what_is_not_installed_and_what_was_lost() {
        let table = report(true).to_string();
        assert!(table.contains("smtp_source   is not installed"), "{table}");
        assert!(!table.contains("LOST") && report(true).is_whole(), "{table}");
        let bad = report(false);
        assert!(bad.to_string().contains("LOST OR DOUBLED MESSAGES in 1 of 2 runs"));
        assert!(!bad.is_whole() && bad.json()["whole"] == false);
    }
}
