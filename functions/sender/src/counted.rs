//! What became of the messages of one invocation, counted where they leave.
//!
//! Each submission is counted once, whatever happens to its batch afterwards: a batch that is handed on, taken over or
//! opened by a retry makes no number twice. What never reaches the mailer is taken from the tally of a batch that
//! ends: who was skipped, and who failed because the provider put it off too often. A retry that opens such a batch
//! again counts those again when it ends.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fanmail_domain::{Content, FailReason, RecipientState, Tally};
use fanmail_engine::ports::{Mailer, Recipient, RenderError, Scope, Submission};
use fanmail_runtime::metrics::Metric;

/// What was counted in one invocation.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    accepted: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
    in_doubt: AtomicU64,
    deferred: AtomicU64,
    throttled: AtomicU64,
}

impl Counts {
    /// Adds what only the end of a batch knows.
    pub(crate) fn ended(&self, tally: &Tally) {
        let put_off = RecipientState::Failed(FailReason::Deferred);
        let given_up = tally.iter().find(|(state, _)| *state == put_off).map_or(0, |(_, count)| count);
        self.failed.fetch_add(given_up, Relaxed);
        self.skipped.fetch_add(tally.named("skipped"), Relaxed);
    }

    /// As metrics.
    pub(crate) fn metrics(&self) -> Vec<(Metric, f64)> {
        let counts = [
            (Metric::Accepted, &self.accepted),
            (Metric::Failed, &self.failed),
            (Metric::Skipped, &self.skipped),
            (Metric::InDoubt, &self.in_doubt),
            (Metric::Deferred, &self.deferred),
            (Metric::Throttled, &self.throttled),
        ];
        counts.into_iter().map(|(metric, count)| (metric, count.load(Relaxed) as f64)).collect()
    }

    fn submitted(&self, submission: &Submission) {
        let count = match submission {
            Submission::Accepted => &self.accepted,
            Submission::Rejected(_) => &self.failed,
            Submission::Unknown => &self.in_doubt,
            Submission::Deferred(Scope::Recipient, _) => &self.deferred,
            Submission::Deferred(Scope::Provider | Scope::Credentials | Scope::Quota, _) => &self.throttled,
        };
        count.fetch_add(1, Relaxed);
    }
}

/// A mailer whose messages are counted.
#[derive(Debug)]
pub(crate) struct Counted<'a, M> {
    pub(crate) mailer: &'a M,
    pub(crate) counts: &'a Counts,
}

impl<M: Mailer> Mailer for Counted<'_, M> {
    type Message = M::Message;

    fn render(&self, content: &Content, recipient: Recipient<'_>) -> Result<M::Message, RenderError> {
        let rendered = self.mailer.render(content, recipient);
        self.counts.failed.fetch_add(u64::from(rendered.is_err()), Relaxed);
        rendered
    }

    async fn submit(&self, message: M::Message) -> Submission {
        let submission = self.mailer.submit(message).await;
        self.counts.submitted(&submission);
        submission
    }

    fn limit_connections(&self, max_conns: u32) {
        self.mailer.limit_connections(max_conns);
    }

    fn ceiling(&self) -> Option<u32> {
        self.mailer.ceiling()
    }
}

#[cfg(test)]
mod tests {
    use fanmail_domain::SkipReason;
    use fanmail_engine::ports::Refusal;

    use super::*;

    /// Answers each message with itself.
    struct Echo;

    impl Mailer for Echo {
        type Message = Submission;

        fn render(&self, _: &Content, _: Recipient<'_>) -> Result<Submission, RenderError> {
            Err(RenderError { text: "no template".into() })
        }

        async fn submit(&self, message: Submission) -> Submission {
            message
        }

        fn limit_connections(&self, _: u32) {}

        fn ceiling(&self) -> Option<u32> {
            Some(14)
        }
    }

    #[tokio::test]
    async fn each_submission_is_counted_once_by_what_became_of_it() {
        let counts = Counts::default();
        let mailer = Counted { mailer: &Echo, counts: &counts };
        let refusal = || Refusal { code: Some(450), text: "later".into() };
        let deferred = |scope| Submission::Deferred(scope, refusal());
        for submission in [
            Submission::Accepted,
            Submission::Accepted,
            Submission::Rejected(refusal()),
            Submission::Unknown,
            deferred(Scope::Recipient),
            deferred(Scope::Provider),
            deferred(Scope::Credentials),
            deferred(Scope::Quota),
        ] {
            assert_eq!(mailer.submit(submission.clone()).await, submission);
        }
        let mut tally: Tally = [
            RecipientState::Accepted,
            RecipientState::Failed(FailReason::Rejected),
            RecipientState::Failed(FailReason::Deferred),
        ]
        .into_iter()
        .collect();
        tally.add(RecipientState::Skipped(SkipReason::Gone), 5);
        counts.ended(&tally);

        let counted: Vec<f64> = counts.metrics().into_iter().map(|(_, count)| count).collect();
        // Accepted, failed, skipped, in doubt, deferred, throttled.
        assert_eq!(counted, [2.0, 2.0, 5.0, 1.0, 1.0, 3.0]);
        assert_eq!(mailer.ceiling(), Some(14));
    }
}
