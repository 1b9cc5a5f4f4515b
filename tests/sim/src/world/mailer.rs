//! The port to the provider: rendering, and one submission per message.
//!
//! A message that left the process is on its own: it reaches the provider, and may be taken, whether or not
//! the process lives to hear of it.

use std::sync::Arc;

use fanmail_domain::{Content, SubscriberId};
use fanmail_engine::ports::{Mailer, Recipient, RenderError, Submission};
use futures::future::{Either, select};

use super::people::Quirk;
use super::provider::{Verdict, Word};
use super::{Process, World};
use crate::executor::Ended;
use crate::faults::Strike;
use crate::rng::ALWAYS;
use crate::scenario::Sabotage;
use crate::time::MILLI;

/// A rendered message: to whom it goes.
#[derive(Debug, Clone, Copy)]
pub struct Letter(SubscriberId);

impl Mailer for Process {
    type Message = Letter;

    fn render(&self, _: &Content, recipient: Recipient<'_>) -> Result<Letter, RenderError> {
        let id = recipient.subscriber.id;
        let quirk = self.world.state().people.quirks.get(&id).copied().unwrap_or(Quirk::None);
        match quirk {
            Quirk::Unrenderable => Err(RenderError { text: "undefined value".into() }),
            Quirk::Deadly => {
                // Rendering has no await: the process ends at the next one.
                self.world.state().counts.add("crashes");
                self.world.note(&self.name, || format!("rendering for {id} kills it"));
                self.kill();
                Ok(Letter(id))
            }
            Quirk::None | Quirk::Rejected | Quirk::PutOff => Ok(Letter(id)),
        }
    }

    async fn submit(&self, Letter(id): Letter) -> Submission {
        let (there_ns, strike) = self.leave("submit").await;
        let handed_ns = self.world.exec.now_ns();
        let arrival = Arrival { to: id, by: self.clone(), handed_ns };
        self.world.note(&self.name, || format!("submit to {id}"));
        let answer = self.world.exec.spawn(deliver(arrival, there_ns));
        if strike == Strike::CrashInTheAir {
            return self.die().await;
        }
        let give_up = self.world.exec.sleep(self.world.scenario.submit_timeout_ns);
        let word = match select(answer, give_up).await {
            Either::Left((Ended::Done(word), _)) => word,
            Either::Left((Ended::Killed, _)) | Either::Right(_) => None,
        };
        self.come_back(strike).await;
        let lost = matches!(strike, Strike::LostAnswer | Strike::Error | Strike::LateEffect(_));
        let mut answer = word.filter(|_| !lost).map_or(Submission::Unknown, Word::submission);
        let mut state = self.world.state();
        if answer == Submission::Unknown {
            state.counts.add("unknown outcomes");
        } else if self.world.scenario.is_broken(Sabotage::MumblingMailer) && state.rng.chance(ALWAYS / 10) {
            answer = Submission::Unknown;
        }
        state.note(&self.name, || format!("submit to {id}: {answer:?}"));
        answer
    }
}

/// A message on its way.
struct Arrival {
    to: SubscriberId,
    by: Process,
    handed_ns: u64,
}

/// Carries a message to the provider, and its word back.
async fn deliver(arrival: Arrival, there_ns: u64) -> Option<Word> {
    let world = Arc::clone(&arrival.by.world);
    // At most 20 ms, so that what arrives is spaced as it left.
    world.exec.sleep(there_ns.clamp(MILLI, 20 * MILLI)).await;
    let mut says = hand_over(&world, &arrival).await;
    if says.is_none() && world.scenario.is_broken(Sabotage::RepeatingMailer) {
        says = hand_over(&world, &arrival).await;
    }
    says
}

async fn hand_over(world: &Arc<World>, arrival: &Arrival) -> Option<Word> {
    let verdict = arrive(world, arrival);
    world.exec.sleep(verdict.after_ns).await;
    if verdict.accepts && !world.scenario.is_broken(Sabotage::EmptyPromises) {
        let mut state = world.state();
        let now_ns = state.now_ns;
        state.witness.accept(now_ns, arrival.handed_ns, arrival.by.task, arrival.to);
        state.note("provider", || format!("takes the message to {}", arrival.to));
    }
    verdict.says
}

fn arrive(world: &Arc<World>, arrival: &Arrival) -> Verdict {
    let mut state = world.state();
    let state = &mut *state;
    let quirk = state.people.quirks.get(&arrival.to).copied().unwrap_or(Quirk::None);
    let verdict = state.provider.judge(&mut state.rng, state.now_ns, quirk);
    state.witness.arrive(state.now_ns, arrival.by.environment, arrival.by.task);
    state.note("provider", || format!("message to {}: {:?}", arrival.to, verdict));
    verdict
}
