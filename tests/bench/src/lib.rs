//! Every figure in the docs: benchmarks of the whole stack.
//!
//! [`campaign`] sends one campaign through the stack of `infra/local` (the real functions as processes, the
//! engines over HTTP, the inbox over SMTP) and measures it; [`smtp_source`] drives Postfix's load tool against
//! the same inbox, as a yardstick from the same minute. [`figures`] is the arithmetic, [`report`] the JSON and
//! the table. [`mailer`] measures rendering and the way to the provider alone, against every yardstick. [`fanout`]
//! measures fan-out alone, [`coldstart`]
//! starts the deployable binaries, and [`cost`] prices what a campaign used.
//!
//! Absent on purpose: thresholds. A shared machine is too noisy for a timed test; what must hold is counted
//! (everybody exactly once), and the rest is for reading.

pub mod audience;
pub mod campaign;
pub mod cli;
pub mod coldstart;
pub mod cost;
pub mod fanout;
pub mod figures;
pub mod machine;
pub mod mailer;
pub mod report;
pub mod smtp_source;
