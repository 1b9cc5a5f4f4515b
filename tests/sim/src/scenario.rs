//! What a seed stands for: the people, the settings, the functions, the weather, and who does what when.

use std::time::Duration;

use fanmail_domain::{Settings, SettingsPatch, SlidingWindow, pacing};

use crate::faults::Weather;
use crate::processes::operators::{Act, Request};
use crate::rng::{ALWAYS, Rng};
use crate::time::{BEGIN_NS, MILLI, SECOND};
use crate::world::people::Crowd;
use crate::world::provider::Climate;

/// A world that is broken on purpose, to see that the oracle notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sabotage {
    /// The store writes a batch whatever revision stands.
    BlindBatchWrites,
    /// The mailer sends again what it got no answer for.
    RepeatingMailer,
    /// The queue loses messages, and no sweeper runs.
    ForgetfulQueue,
    /// The store writes a batch that ends, and leaves its lane's counters as they are.
    UncountedBatches,
    /// The store shows a campaign as it was before its last change, for five seconds.
    StaleCampaigns,
    /// The store shows people as they were in the beginning.
    StalePeople,
    /// The store leaves somebody out of a list now and then.
    ShortPages,
    /// Processes wake after a tenth of their sleep.
    HastyClocks,
    /// The provider says that it took a message, and did not.
    EmptyPromises,
    /// The mailer forgets an answer now and then.
    MumblingMailer,
    /// The store writes a sliding window whatever revision stands.
    BlindWindowWrites,
    /// A campaign finishes once all that is counted is done, whichever run fanned it out.
    RashFinish,
    /// The store lets a fan-out change batches of a lane that it lost.
    BlindAmendments,
    /// The sweeper raises no alarm.
    SilentSweeper,
}

/// Everything that a seed decides before the world begins. Times are on the world's clock.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Where it all comes from.
    pub seed: u64,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
    /// Who is there, and who comes and goes.
    pub crowd: Crowd,
    /// What stands for all campaigns in the beginning.
    pub settings: Settings,
    /// What the campaign overrides.
    pub overrides: SettingsPatch,
    /// How large an audience the start is told of: it decides how many lanes there are.
    pub announced: u64,
    /// Senders at a time.
    pub senders: usize,
    /// Start functions at a time.
    pub starts: usize,
    /// Whether two sweepers begin at once.
    pub two_sweepers: bool,
    /// Time from one sweep to the next.
    pub sweep_every_ns: u64,
    /// When a function is killed.
    pub timeout_ns: u64,
    /// How long a received message stays hidden.
    pub visibility_ns: u64,
    /// After how many receives a message goes to the dead letters.
    pub max_receives: u32,
    /// Messages in one event.
    pub event_size: usize,
    /// When a sender gives up waiting for the provider.
    pub submit_timeout_ns: u64,
    /// The most items of one answer of the store.
    pub page: usize,
    /// What a call usually takes at the most.
    pub latency_ns: u64,
    /// How far a clock may be off, either way.
    pub skew_ms: u64,
    /// What goes wrong.
    pub weather: Weather,
    /// What the provider is like.
    pub climate: Climate,
    /// What the operators do.
    pub acts: Vec<Act>,
    /// What they ask for once the campaign ended.
    pub afterwards: Vec<Request>,
    /// Whether nobody resumes a pause that ends by itself.
    pub leaves_pauses_alone: bool,
    /// Whether the provider tells what becomes of messages.
    pub tells: bool,
    /// How long a campaign may stand still before it raises an alarm.
    pub stalled_after: Duration,
    /// When the queues are purged.
    pub purges: Vec<u64>,
}

/// What the writes after the last submission may take, as the sender function has it.
const WRITE_RESERVE: Duration = Duration::from_secs(3);

impl Scenario {
    /// The scenario of a seed.
    ///
    /// Each part is drawn from a stream of its own, so that a part which draws more leaves the others as they
    /// are.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let rng = &mut Rng::new(seed);
        let starts_ns = BEGIN_NS + rng.within(5..=15) * SECOND;
        let ends_ns = starts_ns + rng.within(20..=200) * SECOND;
        let weather = Weather::draw(&mut rng.fork(), starts_ns, ends_ns);
        let (talk, functions) = (&mut rng.fork(), Self::draw_functions(&mut rng.fork(), seed));
        let senders = functions.senders;
        Self {
            crowd: Crowd::draw(&mut rng.fork(), starts_ns),
            climate: Climate::draw(&mut rng.fork(), starts_ns, ends_ns),
            acts: Act::draw_all(&mut rng.fork(), starts_ns, ends_ns, senders),
            afterwards: Act::draw_afterwards(&mut rng.fork()),
            purges: draw_purges(&mut rng.fork(), &weather, starts_ns),
            settings: draw_settings(&mut rng.fork(), senders),
            overrides: draw_overrides(&mut rng.fork(), senders),
            leaves_pauses_alone: talk.chance(ALWAYS / 2),
            tells: talk.chance(ALWAYS / 2),
            weather,
            ..functions
        }
    }

    /// How the functions are set up; the rest is not decided here.
    fn draw_functions(rng: &mut Rng, seed: u64) -> Self {
        let latency_ns = rng.pick(&[2, 10, 40]) * MILLI;
        let timeout_ns = rng.within(6..=60) * SECOND;
        Self {
            seed,
            sabotage: None,
            crowd: Crowd::default(),
            settings: Settings::default(),
            overrides: SettingsPatch::default(),
            announced: rng.pick(&[0, 2_500, 5_000, 10_000]),
            senders: rng.pick(&[1, 2, 3, 4]),
            starts: rng.pick(&[1, 2, 3]),
            two_sweepers: rng.chance(ALWAYS / 4),
            sweep_every_ns: rng.pick(&[10, 60]) * SECOND,
            timeout_ns,
            visibility_ns: timeout_ns + rng.pick(&[2, 2, 30]) * SECOND,
            max_receives: rng.pick(&[3, 10, 10, 1_000]),
            event_size: rng.pick(&[1, 1, 1, 3]),
            submit_timeout_ns: rng.within(2..=15) * SECOND,
            page: 1 + rng.index(12),
            latency_ns,
            skew_ms: rng.pick(&[0, 100, 900]),
            weather: Weather::default(),
            climate: Climate::default(),
            acts: Vec::new(),
            afterwards: Vec::new(),
            leaves_pauses_alone: false,
            tells: false,
            stalled_after: Duration::from_secs(rng.pick(&[60, 120, 600])),
            purges: Vec::new(),
        }
    }

    /// The same world, broken on purpose.
    #[must_use]
    pub fn broken(mut self, sabotage: Option<Sabotage>) -> Self {
        self.sabotage = sabotage;
        self
    }

    /// Whether this is what is broken.
    #[must_use]
    pub fn is_broken(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// What a sender keeps in reserve before its deadline.
    #[must_use]
    pub fn reserve(&self, sends: bool) -> Duration {
        let wanted = Duration::from_nanos(self.submit_timeout_ns) + WRITE_RESERVE;
        let wanted = if sends { wanted } else { Duration::from_secs(5) };
        wanted.min(Duration::from_nanos(self.timeout_ns) / 3)
    }

    /// The most recipients one sender may have *submitting* at once, under any settings of this run.
    #[must_use]
    pub fn widest_window(&self) -> u64 {
        let all = self.acts.iter().filter_map(Act::settings).chain([self.settings]);
        let widest = all.map(|settings| settings.with(self.overrides).unwrap_or(settings));
        let window = |it: Settings| pacing::window(it.message_rate, it.max_conns as usize) as u64;
        widest.map(window).max().unwrap_or(1)
    }

    /// In what time two sweeps surely begin and end, whatever the clocks say.
    #[must_use]
    pub fn two_sweeps_ns(&self) -> u64 {
        2 * (self.sweep_every_ns + SECOND + self.timeout_ns) + 2 * self.skew_ms * MILLI
    }
}

/// Settings that may stand for all campaigns.
pub fn draw_settings(rng: &mut Rng, senders: usize) -> Settings {
    Settings {
        concurrency: u32::try_from(senders).unwrap_or(1),
        message_rate: draw_rate(rng),
        batch_size: draw_batch_size(rng),
        max_conns: draw_conns(rng),
        max_send_errors: rng.pick(&[0, 5, 20, 1_000]),
        sliding_window: if rng.chance(ALWAYS / 3) { Some(draw_window(rng)) } else { None },
        provider_rate: None,
    }
}

/// What a campaign may override of them.
fn draw_overrides(rng: &mut Rng, senders: usize) -> SettingsPatch {
    let own = draw_settings(rng, senders);
    let mut maybe = |share: u32| rng.chance(ALWAYS / share);
    SettingsPatch {
        message_rate: maybe(4).then_some(own.message_rate),
        batch_size: maybe(4).then_some(own.batch_size),
        max_conns: maybe(4).then_some(own.max_conns),
        max_send_errors: maybe(4).then_some(own.max_send_errors),
        sliding_window: own.sliding_window.filter(|_| maybe(2)),
    }
}

fn draw_rate(rng: &mut Rng) -> u32 {
    rng.pick(&[2, 5, 10, 20, 50, 100, 1_000])
}

fn draw_batch_size(rng: &mut Rng) -> u32 {
    u32::try_from(rng.mostly_small(1..=100)).unwrap_or(1)
}

fn draw_conns(rng: &mut Rng) -> u32 {
    rng.pick(&[1, 2, 4, 8, 32])
}

/// From so tight that a campaign takes minutes to so wide that nobody feels it.
fn draw_window(rng: &mut Rng) -> SlidingWindow {
    let (rate, duration_s) = rng.pick(&[(3, 1), (5, 5), (10, 10), (20, 10), (60, 60), (1_000, 10)]);
    SlidingWindow { rate, duration_s }
}

fn draw_purges(rng: &mut Rng, weather: &Weather, starts_ns: u64) -> Vec<u64> {
    let rough = weather.crash + weather.error + weather.lost_answer > 0;
    let purges = if rough && rng.chance(ALWAYS / 10) { rng.within(1..=2) } else { 0 };
    let mut at = || starts_ns + rng.within(0..=30 * SECOND / MILLI) * MILLI;
    (0..purges).map(|_| at()).collect()
}
