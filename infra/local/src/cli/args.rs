//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use fanmail_domain::TokenName;
use fanmail_domain::settings::{MAX_BATCH_SIZE, MAX_CONNS, MAX_MESSAGE_RATE};

use crate::functions::Function;
use crate::send::SendOptions;
use crate::soak::SoakOptions;
use crate::token::{Order, Place};

/// E-mail campaigns in which every recipient is accounted for.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLE)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// A first command that works in a fresh clone.
const EXAMPLE: &str = "\
Example, which sends nothing out of this machine:
  fanmail send --list examples/subscribers.csv --template examples/welcome.html \\
      --subject \"Welcome, {{ subscriber.first_name }}\" --from \"Acme News <news@acme.example>\"";

/// The first token of a deployment, and its first use.
const TOKEN_EXAMPLE: &str = "\
Example:
  eval \"$(aws configure export-credentials --format env)\"; export AWS_REGION=eu-west-1
  TOKEN=$(fanmail token create deploy --stack fanmail-prod)
  curl -H \"Authorization: token deploy:$TOKEN\" https://…/api/profile";

/// A soak of a length that shows something.
const SOAK_EXAMPLE: &str = "\
Example:
  fanmail soak --minutes 3 --recipients 3000";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Send one campaign from a list file, and account for every recipient
    ///
    /// Starts the whole stack on this machine, imports the list, creates and starts the campaign, shows its
    /// progress, and ends with a table. Without --smtp the mail is caught by a built-in inbox and does not
    /// leave the machine.
    ///
    /// Ctrl-C pauses the campaign and says how to go on; a second Ctrl-C stops at once.
    ///
    /// Exit status: 0 finished with nobody failed or in doubt; 1 ended otherwise, the table says how;
    /// 2 wrong arguments or input, nothing was sent.
    #[command(after_help = EXAMPLE)]
    Send(Box<SendArgs>),
    /// Start the stack and leave it running, with the HTTP API on 127.0.0.1:9000
    ///
    /// The API has listmonk's paths and JSON: GET /api/health, /api/lists, /api/campaigns and so on. Ctrl-C
    /// stops the stack; what a campaign under way needs to go on stays in --data-dir.
    Up(UpArgs),
    /// Strike at a stack for some minutes, and count what was lost or sent twice
    ///
    /// Starts the whole stack in a temporary folder with the built-in inbox as the provider, so that no mail leaves
    /// the machine, and sends one campaign after the other to people made up for the purpose. Until the time is
    /// over it kills (SIGKILL) and freezes (SIGSTOP) functions, changes rate, batch size, connections and
    /// concurrency, pauses and resumes the campaign and empties the queues, at random from a seed. Then it lets
    /// the last campaign come to its end and compares the ledger with what the inbox got: each recipient of each
    /// campaign has to be accepted with one copy, or in doubt with at most one, and no more may be in doubt than
    /// one window for each sender that was struck.
    ///
    /// Ctrl-C ends the trouble early and audits what is; a second Ctrl-C does not wait for the last campaign.
    ///
    /// Exit status: 0 every promise held; 1 one broke, or the soak itself did; 2 wrong arguments.
    #[command(after_help = SOAK_EXAMPLE)]
    Soak(SoakArgs),
    /// Make, list and take back the tokens of the HTTP API
    ///
    /// Whoever uses the API names itself and shows a token, as in listmonk: `Authorization: token name:token`, or HTTP
    /// Basic with the token as the password. The name stands in the journal of every campaign that it steers. A token
    /// is shown once, when it is made; the table keeps its hash.
    ///
    /// The command asks DynamoDB with the AWS credentials of the environment: AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN where there is one, and AWS_REGION or AWS_DEFAULT_REGION.
    /// AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL leads elsewhere: `fanmail up --tokens` says where.
    ///
    /// Exit status: 0 done; 1 not done, and why; 2 wrong arguments, or variables that are missing.
    #[expect(clippy::doc_markdown, reason = "it is shown on a terminal, where backticks are noise")]
    #[command(after_help = TOKEN_EXAMPLE)]
    Token {
        #[command(subcommand)]
        what: TokenCommand,
    },
    /// Be one of the functions, under a Lambda Runtime API
    #[command(hide = true)]
    Function {
        /// Which one.
        name: Function,
    },
}

#[expect(clippy::doc_markdown, reason = "it is shown on a terminal, where backticks are noise")]
#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// People to write to: a CSV file with the columns email, name and attributes (a JSON object)
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// The message: an HTML file with variables in it, such as {{ subscriber.first_name }}
    ///
    /// The variables are subscriber.email, .name, .first_name, .last_name and .attribs (what the column
    /// attributes says), campaign.name and .subject, and unsubscribe_url.
    #[arg(long, value_name = "FILE")]
    template: PathBuf,
    /// The text part; derived from the HTML where it is not given
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The subject; may have the same variables
    #[arg(long, value_name = "TEXT")]
    subject: String,
    /// The From header, e.g. "Acme News <news@acme.example>"
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// The campaign's name [default: the template's file name]
    #[arg(long)]
    name: Option<String>,
    /// Send to this relay instead of the built-in inbox, e.g. smtp://user:pass@host:587?tls=required
    ///
    /// Without ?tls=required user, password and mail are readable on the way; smtps:// is TLS from the first byte.
    #[arg(long, value_name = "URL")]
    smtp: Option<String>,
    /// Senders at a time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    concurrency: u32,
    /// Messages per second of each sender [default: 1000 to the inbox, 10 to a relay]
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_MESSAGE_RATE)))]
    rate: Option<u32>,
    /// Recipients in one batch
    #[arg(long, value_name = "N", default_value_t = MAX_BATCH_SIZE,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_BATCH_SIZE)))]
    batch_size: u32,
    /// Connections that each sender keeps open
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CONNS)))]
    max_conns: u32,
    /// Keep everything in this folder [default: a temporary one]
    ///
    /// The same command with the same folder goes on with what was left, and sends nothing to anybody who
    /// had it before.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where rejected rows and caught mail are written [default: the data folder, or fanmail-out]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write the figures of the table here, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Keep the inbox open in the browser until Ctrl-C
    #[arg(long)]
    browse: bool,
}

#[derive(Debug, Args)]
pub(super) struct UpArgs {
    /// Port of the HTTP API on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 9000)]
    pub(super) port: u16,
    /// Keep everything in this folder [default: in memory only]
    #[arg(long, value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
    /// Send to this relay instead of the built-in inbox
    ///
    /// Without ?tls=required user, password and mail are readable on the way; smtps:// is TLS from the first byte.
    #[arg(long, value_name = "URL")]
    pub(super) smtp: Option<String>,
    /// Senders at a time [default: as the settings in --data-dir say, or 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) concurrency: Option<u32>,
    /// Ask for API tokens, as on AWS, and say how to make one
    ///
    /// Without it nobody is asked who he is: the API listens on 127.0.0.1 only.
    #[arg(long)]
    pub(super) tokens: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it, alone, on the standard output
    ///
    /// A name that has a token keeps it: revoke it first, or choose another name.
    Create {
        /// Who will use it: 3 to 64 letters, digits, dots, - or _
        #[arg(value_parser = str::parse::<TokenName>)]
        name: TokenName,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Print who has a token, and since when
    List {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Take a token back: within a minute it opens nothing any more
    Revoke {
        /// Whose.
        #[arg(value_parser = str::parse::<TokenName>)]
        name: TokenName,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct PlaceArgs {
    /// The deployment: its stack's name
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// The Campaigns table, where its name is not the stack's with `-campaigns`
    #[arg(long, value_name = "TABLE")]
    campaigns_table: Option<String>,
}

impl TokenCommand {
    /// What is asked for, and where.
    pub(super) fn read(self) -> (Order, Place) {
        match self {
            Self::Create { name, place } => (Order::Create(name), place.read()),
            Self::List { place } => (Order::List, place.read()),
            Self::Revoke { name, place } => (Order::Revoke(name), place.read()),
        }
    }
}

impl PlaceArgs {
    fn read(self) -> Place {
        match self.campaigns_table {
            Some(table) => Place::of_table(table, std::env::vars()),
            None => Place::of_stack(&self.stack.unwrap_or_default(), std::env::vars()),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct SoakArgs {
    /// How long there is trouble; may be a fraction
    #[arg(long, value_name = "N", default_value = "3", value_parser = minutes)]
    minutes: Duration,
    /// Recipients of each campaign
    #[arg(long, value_name = "M", default_value_t = 3_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    recipients: u32,
    /// Draw the trouble from this number, which an earlier soak said [default: another one each time]
    ///
    /// The same seed is the same plan; what it strikes in the middle of depends on real time.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Write the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// The longest soak: a week. What was delivered is kept in memory until its end.
const MAX_MINUTES: f64 = 7.0 * 24.0 * 60.0;

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = text.parse::<f64>().ok().filter(|minutes| *minutes > 0.0 && *minutes <= MAX_MINUTES);
    let minutes =
        minutes.ok_or_else(|| format!("it has to be a number above 0 and at most {MAX_MINUTES}"))?;
    Ok(Duration::from_secs_f64(minutes * 60.0))
}

impl From<SoakArgs> for SoakOptions {
    fn from(args: SoakArgs) -> Self {
        let seed = args.seed.unwrap_or_else(|| fastrand::u64(..=u64::from(u32::MAX)));
        Self { trouble: args.minutes, recipients: args.recipients, seed, report: args.report }
    }
}

/// Messages per second of each sender to the built-in inbox: as fast as one machine is.
const INBOX_RATE: u32 = 1_000;
/// Messages per second of each sender to a relay that said nothing of its own.
const RELAY_RATE: u32 = 10;

impl From<SendArgs> for SendOptions {
    fn from(args: SendArgs) -> Self {
        let default_rate = if args.smtp.is_some() { RELAY_RATE } else { INBOX_RATE };
        Self {
            out: args.out.or_else(|| args.data_dir.clone()).unwrap_or_else(|| "fanmail-out".into()),
            list: args.list,
            template: args.template,
            text: args.text,
            subject: args.subject,
            from: args.from,
            name: args.name,
            smtp: args.smtp,
            concurrency: args.concurrency,
            rate: args.rate.unwrap_or(default_rate),
            batch_size: args.batch_size,
            max_conns: args.max_conns,
            data_dir: args.data_dir,
            report: args.report,
            browse: args.browse,
        }
    }
}
