//! How a soak ended: the figures, on the terminal and as JSON.

use std::fmt;

use serde::Serialize;

use super::audit::Findings;
use super::trouble::Strokes;
use crate::send::thousands;

/// How a soak ended.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether every promise held.
    pub held: bool,
    /// What the plan of trouble was made from.
    pub seed: u64,
    /// How long the trouble lasted, in seconds.
    pub trouble_s: f64,
    /// How long all of it took, in seconds.
    pub seconds: f64,
    /// Campaigns started.
    pub campaigns: u64,
    /// Recipients of each.
    pub recipients: u64,
    /// Recipients of all campaigns that the ledger calls accepted.
    pub accepted: u64,
    /// The trouble.
    #[serde(flatten)]
    pub strokes: Strokes,
    /// Recipients that are neither in doubt nor accepted with a copy to show for it.
    pub losses: u64,
    /// Copies after somebody's first.
    pub duplicates: u64,
    /// Copies that nobody was to get.
    pub strays: u64,
    /// Recipients in doubt.
    pub in_doubt: u64,
    /// The most that may be.
    pub most_in_doubt: u64,
    /// Whether the counters equal a recount of the ledger.
    pub counters_hold: bool,
    /// What is wrong: the first problems, a sentence each.
    pub problems: Vec<String>,
}

impl Report {
    /// The figures of a soak, and whether every promise held.
    pub(super) fn new(seed: u64, people: u64, campaigns: u64, strokes: Strokes, found: Findings) -> Self {
        let Findings { accepted, in_doubt, losses, duplicates, strays, counters_hold, mut problems } = found;
        let most_in_doubt = strokes.most_in_doubt();
        if in_doubt > most_in_doubt {
            problems.push(format!("{in_doubt} recipients are in doubt, and {most_in_doubt} may be"));
        }
        let held = problems.is_empty() && [losses, duplicates, strays] == [0; 3] && counters_hold;
        Self {
            held,
            seed,
            trouble_s: 0.0,
            seconds: 0.0,
            campaigns,
            recipients: people,
            accepted,
            strokes,
            losses,
            duplicates,
            strays,
            in_doubt,
            most_in_doubt,
            counters_hold,
            problems,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.held { "every promise held" } else { "A PROMISE BROKE" };
        writeln!(f, "Soak with seed {}: {verdict}\n", self.seed)?;
        let Strokes { kills, sender_kills, freezes, sender_freezes, retunings, pauses, purges, window } =
            self.strokes;
        row(f, "trouble", self.trouble_s.round() as u64, &format!("seconds, of {:.0} in all", self.seconds))?;
        row(f, "campaigns", self.campaigns, "")?;
        row(f, "recipients", self.recipients, "of each")?;
        row(f, "accepted", self.accepted, "")?;
        row(f, "kills", kills, &format!("{sender_kills} of senders"))?;
        row(f, "freezes", freezes, &format!("{sender_freezes} of senders"))?;
        row(f, "re-tunings", retunings, "")?;
        row(f, "pauses", pauses, "")?;
        row(f, "purges", purges, "")?;
        row(f, "losses", self.losses, "")?;
        row(f, "duplicates", self.duplicates, "")?;
        row(f, "strays", self.strays, "")?;
        let (struck, most) = (sender_kills + sender_freezes, thousands(self.most_in_doubt));
        let bound = format!("of at most {most}: {struck} senders struck, a window of {window} each");
        row(f, "in doubt", self.in_doubt, &bound)?;
        let counters = if self.counters_hold { "equal a recount" } else { "DIFFER from a recount" };
        writeln!(f, "  {:12} {counters} of the ledger", "counters")?;
        let gap = if self.problems.is_empty() { "" } else { "\n" };
        write!(f, "{gap}")?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, count: u64, more: &str) -> fmt::Result {
    let line = format!("  {label:12} {:>10}  {more}", thousands(count));
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(strokes: Strokes, found: Findings) -> bool {
        Report::new(1, 10, 1, strokes, found).held
    }

    #[test]
    fn each_broken_promise_breaks_the_soak() {
        let strokes = Strokes { sender_kills: 1, sender_freezes: 1, window: 5, ..Strokes::default() };
        let good = Findings { in_doubt: 10, counters_hold: true, ..Findings::default() };
        assert!(held(strokes, good.clone()));
        let broken = [
            Findings { losses: 1, ..good.clone() },
            Findings { duplicates: 1, ..good.clone() },
            Findings { strays: 1, ..good.clone() },
            Findings { in_doubt: 11, ..good.clone() },
            Findings { counters_hold: false, ..good.clone() },
            Findings { problems: vec!["campaign 1 is running, not finished".to_owned()], ..good },
        ];
        for found in broken {
            assert!(!held(strokes, found.clone()), "{found:?}");
        }
    }
}
