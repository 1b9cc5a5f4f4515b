//! The audit: what the ledger says of each recipient, against what the inbox got.
//!
//! Of each campaign everybody is to be *accepted*, with one copy, or *in doubt*, with one or none. Whoever is
//! neither, or is *accepted* without a copy, is a loss; each copy after somebody's first is a duplicate, and
//! mail of a campaign to somebody who is not in it is a stray. That the counters equal a recount of the ledger
//! is what the HTTP API's own audit says.

use std::collections::HashMap;

use fanmail_domain::{CampaignId, EmailAddress, RecipientState, SubscriberId};
use fanmail_inbox::Delivery;
use serde::Deserialize;

use super::SoakError;
use crate::send::ApiClient;
use crate::stack::Stack;

/// The header that says where the ledger keeps a message's recipient; it begins with the campaign.
pub(super) const PLACE: &str = "X-Fanmail-Recipient";
/// Problems that are spelled out.
const SPELLED_OUT: usize = 20;

/// What the inbox got, of which campaign and for whom, where that can be told.
pub(super) type Copies = HashMap<(Option<CampaignId>, Option<SubscriberId>), u64>;
/// What the ledger of one campaign says.
pub(super) type States = HashMap<SubscriberId, RecipientState>;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) accepted: u64,
    pub(super) in_doubt: u64,
    pub(super) losses: u64,
    pub(super) duplicates: u64,
    pub(super) strays: u64,
    /// Whether the counters of every campaign equal a recount of its ledger.
    pub(super) counters_hold: bool,
    /// The first problems, a sentence each.
    pub(super) problems: Vec<String>,
}

/// The API's answer to `GET /api/campaigns/{id}/audit`.
#[derive(Debug, Deserialize)]
struct Recount {
    status: String,
    differences: Vec<String>,
    moving: Vec<u8>,
}

/// Audits these campaigns, each of which went to everybody of `people`.
pub(super) async fn audit(
    stack: &Stack,
    campaigns: &[CampaignId],
    people: &[SubscriberId],
) -> Result<Findings, SoakError> {
    let deliveries = stack.inbox.as_ref().map(fanmail_inbox::Inbox::deliveries).unwrap_or_default();
    let mut copies = copies(&deliveries);
    let mut findings = Findings { counters_hold: true, ..Findings::default() };
    let api = ApiClient::new(stack.api_url());
    for id in campaigns {
        let mut states = States::new();
        let visit = |batch: fanmail_domain::Batch| {
            states.extend(batch.entries.iter().map(|entry| (entry.subscriber, entry.state)));
        };
        stack.store.all_batches(*id, visit).await?;
        findings.judge(*id, people, &states, &mut copies);
        findings.recount(*id, api.get(&format!("/api/campaigns/{id}/audit")).await?);
    }
    findings.strays(&copies);
    Ok(findings)
}

/// Counts deliveries by the campaign that their header names and the person whose address it is.
fn copies(deliveries: &[Delivery]) -> Copies {
    let mut copies = Copies::new();
    for delivery in deliveries {
        let place = delivery.headers.iter().find(|(name, _)| name == PLACE);
        let campaign = place.and_then(|(_, place)| place.split('.').next()?.parse().ok());
        let address = EmailAddress::parse(&delivery.recipient).ok();
        let person = address.map(|address| SubscriberId::derive(&address, 0));
        *copies.entry((campaign, person)).or_default() += 1;
    }
    copies
}

impl Findings {
    /// Judges one campaign, and takes its copies out of `copies`.
    pub(super) fn judge(
        &mut self,
        campaign: CampaignId,
        people: &[SubscriberId],
        states: &States,
        copies: &mut Copies,
    ) {
        for person in people {
            let state = states.get(person);
            let got = copies.remove(&(Some(campaign), Some(*person))).unwrap_or_default();
            let lost = match state {
                Some(RecipientState::Accepted) => got == 0,
                Some(RecipientState::InDoubt) => false,
                _ => true,
            };
            self.accepted += u64::from(state == Some(&RecipientState::Accepted));
            self.in_doubt += u64::from(state == Some(&RecipientState::InDoubt));
            self.losses += u64::from(lost);
            self.duplicates += got.saturating_sub(1);
            if lost || got > 1 {
                let state = state.map_or("not in the ledger", |state| state.name());
                self.problem(format!(
                    "campaign {campaign}: recipient {person} is {state} and got {got} copies"
                ));
            }
        }
    }

    /// Counts what is left in `copies` once every campaign took its own out.
    pub(super) fn strays(&mut self, copies: &Copies) {
        for ((campaign, person), got) in copies {
            self.strays += got;
            let of = campaign.map_or_else(|| "no campaign".to_owned(), |id| format!("campaign {id}"));
            let to = person.map_or_else(|| "nobody known".to_owned(), |id| format!("recipient {id}"));
            self.problem(format!("{got} copies of {of} went to {to} and should not have"));
        }
    }

    fn recount(&mut self, campaign: CampaignId, recount: Recount) {
        if recount.status != "finished" {
            self.problem(format!("campaign {campaign} is {}, not finished", recount.status));
        }
        self.counters_hold &= recount.differences.is_empty() && recount.moving.is_empty();
        recount.differences.into_iter().for_each(|what| self.problem(format!("campaign {campaign}: {what}")));
        for lane in recount.moving {
            self.problem(format!("campaign {campaign}: lane {lane} still moves"));
        }
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < SPELLED_OUT {
            self.problems.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMPAIGN: CampaignId = CampaignId(3);

    fn id(number: u64) -> SubscriberId {
        SubscriberId::from_number(number).unwrap()
    }

    fn key(campaign: u64, person: SubscriberId) -> (Option<CampaignId>, Option<SubscriberId>) {
        (Some(CampaignId(campaign)), Some(person))
    }

    /// Judges people `1..`, each with a state and copies.
    fn judged(people: &[(Option<RecipientState>, u64)]) -> Findings {
        let numbered = || (1..).map(id).zip(people);
        let ids: Vec<_> = numbered().map(|(id, _)| id).collect();
        let states = numbered().filter_map(|(id, (state, _))| Some((id, (*state)?))).collect();
        let mut copies = numbered().map(|(id, (_, got))| (key(3, id), *got)).collect();
        let mut findings = Findings::default();
        findings.judge(CAMPAIGN, &ids, &states, &mut copies);
        findings.strays(&copies);
        findings
    }

    fn counts(findings: &Findings) -> [u64; 5] {
        let Findings { accepted, in_doubt, losses, duplicates, strays, .. } = findings;
        [*accepted, *in_doubt, *losses, *duplicates, *strays]
    }

    #[test]
    fn one_copy_for_the_accepted_and_at_most_one_for_those_in_doubt_is_right() {
        let accepted = (Some(RecipientState::Accepted), 1);
        let in_doubt = |got| (Some(RecipientState::InDoubt), got);
        let findings = judged(&[accepted, accepted, in_doubt(0), in_doubt(1)]);
        assert_eq!((counts(&findings), findings.problems.len()), ([2, 2, 0, 0, 0], 0));
    }

    #[test]
    fn a_loss_is_noticed() {
        let lost = [
            (Some(RecipientState::Accepted), 0),
            (Some(RecipientState::Pending), 0),
            (Some(RecipientState::Submitting), 1),
            (None, 0),
        ];
        for person in lost {
            let findings = judged(&[(Some(RecipientState::Accepted), 1), person]);
            assert_eq!((findings.losses, findings.duplicates), (1, 0), "{person:?}");
            assert!(findings.problems[0].starts_with("campaign 3: recipient 2 is "), "{findings:?}");
        }
    }

    #[test]
    fn a_duplicate_is_noticed_even_of_somebody_in_doubt() {
        for state in [RecipientState::Accepted, RecipientState::InDoubt] {
            let findings = judged(&[(Some(RecipientState::Accepted), 1), (Some(state), 3)]);
            assert_eq!((findings.losses, findings.duplicates), (0, 2), "{state:?}");
            assert_eq!(findings.problems.len(), 1);
        }
    }

    #[test]
    fn mail_to_somebody_who_is_not_in_the_campaign_is_noticed() {
        let mut findings = Findings::default();
        let mut copies = Copies::from([(key(3, id(1)), 1), (key(4, id(1)), 1)]);
        let states = States::from([(id(1), RecipientState::Accepted)]);
        findings.judge(CAMPAIGN, &[id(1)], &states, &mut copies);
        findings.strays(&copies);
        assert_eq!(counts(&findings), [1, 0, 0, 0, 1]);
    }

    #[test]
    fn a_delivery_belongs_to_the_campaign_of_its_header_and_to_whose_address_it_is() {
        let delivery = |place: &str| Delivery {
            seq: 1,
            recipient: "Ann@example.org".to_owned(),
            sender: String::new(),
            at_ms: 0,
            elapsed: std::time::Duration::ZERO,
            connection: 1,
            size: 0,
            message_id: None,
            headers: vec![(PLACE.to_owned(), place.to_owned())],
        };
        let ann = SubscriberId::derive(&EmailAddress::parse("Ann@example.org").unwrap(), 0);
        let copies = copies(&[delivery("3.0.1.2.9"), delivery("3.0.1.2.9"), delivery("?")]);
        assert_eq!(copies, Copies::from([(key(3, ann), 2), ((None, Some(ann)), 1)]));
    }
}
