//! The port to the provider: rendering, and one submission per message.
//!
//! A message that left the process is on its own: it reaches the provider, and may be taken, whether or not
//! the process lives to hear of it.

use std::sync::Arc;

use fanmail_domain::{BatchId, Content, SubscriberId};
use fanmail_engine::ports::{Mailer, Recipient, RenderError, Submission};
use fanmail_engine::settle::EventKind;
use futures::future::{Either, select};

use super::people::Quirk;
use super::provider::{Verdict, Word};
use super::{Process, World};
use crate::executor::Ended;
use crate::faults::Strike;
use crate::oracle::witness::Accept;
use crate::processes::feedback;
use crate::rng::ALWAYS;
use crate::scenario::Sabotage;
use crate::time::MILLI;

/// A rendered message: to whom it goes.
#[derive(Debug, Clone, Copy)]
pub struct Letter {
    to: SubscriberId,
    batch: BatchId,
    position: usize,
    content: u32,
}

impl Mailer for Process {
    type Message = Letter;

    fn render(&self, content: &Content, recipient: Recipient<'_>) -> Result<Letter, RenderError> {
        let id = recipient.subscriber.id;
        let Recipient { batch, position, .. } = recipient;
        let letter = Letter { to: id, batch, position, content: content.version };
        let quirk = self.world.state().people.quirks.get(&id).copied().unwrap_or(Quirk::None);
        match quirk {
            Quirk::Unrenderable => Err(RenderError { text: "undefined value".into() }),
            Quirk::Deadly => {
                // Rendering has no await: the process ends at the next one.
                self.world.state().counts.add("crashes");
                self.world.note(&self.name, || format!("rendering for {id} kills it"));
                self.kill();
                Ok(letter)
            }
            Quirk::None | Quirk::Rejected | Quirk::PutOff => Ok(letter),
        }
    }

    fn limit_connections(&self, _: u32) {}

    fn ceiling(&self) -> Option<u32> {
        None
    }

    async fn submit(&self, letter: Letter) -> Submission {
        let id = letter.to;
        let (there_ns, strike) = self.leave("submit").await;
        let handed_ns = self.world.exec.now_ns();
        let arrival = Arrival { letter, by: self.clone(), handed_ns };
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
    letter: Letter,
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
        take(world, arrival);
    }
    verdict.says
}

/// The provider takes a message, and perhaps tells later what became of it.
fn take(world: &Arc<World>, arrival: &Arrival) {
    let Letter { to, batch, position, content } = arrival.letter;
    let mut state = world.state();
    let (at_ns, handed_ns, by) = (state.now_ns, arrival.handed_ns, arrival.by.task);
    state.witness.accepts.push(Accept { at_ns, handed_ns, by, to, content });
    state.note("provider", || format!("takes the message to {to}, in version {content}"));
    if !world.scenario.tells {
        return;
    }
    let story = feedback::draw_story(&mut state.rng);
    if story.contains(&EventKind::Reject) {
        state.witness.dropped.insert(to);
    }
    drop(state);
    feedback::tell(world, batch, position, &story);
}

fn arrive(world: &Arc<World>, arrival: &Arrival) -> Verdict {
    let mut state = world.state();
    let state = &mut *state;
    let quirk = state.people.quirks.get(&arrival.letter.to).copied().unwrap_or(Quirk::None);
    let verdict = state.provider.judge(&mut state.rng, state.now_ns, quirk);
    state.witness.arrive(state.now_ns, arrival.by.environment, arrival.by.task);
    state.note("provider", || format!("message to {}: {:?}", arrival.letter.to, verdict));
    verdict
}
