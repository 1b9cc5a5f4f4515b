//! Rendering and MIME alone: messages are made and thrown away, one thread.
//!
//! What counts is the thread's CPU time. On a machine without other work it is the wall-clock time; on a shared one
//! the wall clock would measure the others.

use std::hint::black_box;
use std::time::Duration;

use fanmail_engine::ports::Mailer;
use fanmail_mailer::Postman;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::MailerError;
use super::people;
use super::ready::Void;

/// Blocks that are timed one by one.
const BLOCKS: usize = 20;

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rendered {
    /// Microseconds of CPU time per message, block by block.
    pub us_per_message: Vec<f64>,
    /// Octets of all messages.
    pub octets: u64,
    /// Messages made.
    pub messages: u64,
}

/// Makes at least `messages` messages.
///
/// # Errors
///
/// [`MailerError::Premise`] if one could not be made.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^53")]
pub fn run(messages: usize) -> Result<Rendered, MailerError> {
    let links = people::links().ok_or(MailerError::Premise("links to unsubscribe"))?;
    let (postman, content) = (Postman::new(Void, links, || people::NOW), people::content());
    let (people, block) = (people::people(), messages.div_ceil(BLOCKS).max(1));
    let mut rendered = Rendered { us_per_message: Vec::new(), octets: 0, messages: 0 };
    for at in 0..BLOCKS {
        let before = cpu_time();
        for n in at * block..(at + 1) * block {
            let made = postman.render(&content, people::recipient(&people, n));
            let made = black_box(made).map_err(|_| MailerError::Premise("a message"))?;
            rendered.octets += made.message.size();
            rendered.messages += 1;
        }
        rendered.us_per_message.push(cpu_time().saturating_sub(before).as_secs_f64() * 1e6 / block as f64);
    }
    Ok(rendered)
}

/// CPU time of this thread so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_timed_and_every_message_counted() {
        let rendered = run(50).unwrap();
        assert_eq!((rendered.us_per_message.len(), rendered.messages), (BLOCKS, 60));
        assert!(rendered.us_per_message.iter().all(|us| *us > 0.0));
        assert!((6_500..7_500).contains(&(rendered.octets / rendered.messages)), "{rendered:?}");
    }
}
