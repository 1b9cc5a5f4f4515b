//! `fanmail-bench mailer`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::campaign::BenchError;
use crate::mailer::MailerError;
use crate::mailer::bench::Bench;
use crate::mailer::cores::Cores;
use crate::mailer::report::Report;
use crate::mailer::rows::{RowKind, Size, rows};
use crate::smtp_source;

use super::{io, write_json};

/// What the user chose.
#[derive(Debug, Args)]
pub(super) struct MailerArgs {
    /// Write the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Rows to measure; all without
    #[arg(long, value_delimiter = ',')]
    rows: Vec<RowKind>,
    /// Runs of each contestant in short rows; the medians are reported
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=99))]
    repeat: Option<u32>,
    /// Messages of each run without distance
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    messages: Option<u32>,
    /// Our mailer's messages under way for each connection
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    depth: Option<u32>,
    /// Few messages and one run: to see that everything works, not for figures
    #[arg(long)]
    quick: bool,
    /// The sink offers CHUNKING
    #[arg(long)]
    chunking: bool,
}

impl MailerArgs {
    fn size(&self) -> Size {
        let preset = if self.quick { Size::QUICK } else { Size::FULL };
        let or = |asked: Option<u32>, preset| asked.and_then(|n| usize::try_from(n).ok()).unwrap_or(preset);
        Size {
            messages: or(self.messages, preset.messages),
            depth: or(self.depth, preset.depth),
            repeat: self.repeat.unwrap_or(preset.repeat),
            ..preset
        }
    }

    fn rows(&self) -> &[RowKind] {
        if self.rows.is_empty() { RowKind::value_variants() } else { &self.rows }
    }
}

/// Measures and reports.
pub(super) fn run(args: &MailerArgs) -> Result<ExitCode, BenchError> {
    let report = measure(args)?;
    print!("{report}");
    if let Some(file) = &args.json {
        write_json(file, &report.json())?;
    }
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(args: &MailerArgs) -> Result<Report, BenchError> {
    let program = std::env::current_exe().map_err(io("find the path of the own program"))?;
    let (cores, smtp_source) = (Cores::two(), smtp_source::find());
    let bench = Bench { program, cores, smtp_source, chunking: args.chunking };
    let mut report = Report::new(args.size(), cores);
    for kind in args.rows() {
        add(&mut report, &bench, *kind, args.size())?;
    }
    Ok(report)
}

fn add(report: &mut Report, bench: &Bench, kind: RowKind, size: Size) -> Result<(), MailerError> {
    for row in rows(kind, size) {
        let measured = bench.row(&row)?;
        report.add(row, measured);
    }
    if kind == RowKind::Render {
        for _ in 0..size.repeat {
            report.add_rendered(bench.render(size.messages)?);
        }
    }
    Ok(())
}
