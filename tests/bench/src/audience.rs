//! The audience: people made up, always the same ones.
//!
//! Their domains are below `example.com`, which nobody receives mail at (RFC 2606).

use fanmail_domain::{EmailAddress, ListId, SubscriberStatus, SubscriptionStatus};
use fanmail_engine::ports::{Clock, PortError};
use fanmail_runtime::SystemClock;
use fanmail_store::{Import, NewSubscriber, Overwrite, Store};

const FIRST: [&str; 12] =
    ["Anna", "Thomas", "Šárka", "Иван", "Layla", "健太", "Grace", "Núria", "José", "Zoë", "Yossi", "Emma"];
const LAST: [&str; 10] =
    ["Baker", "Ellis", "Cohen", "Петров", "Hughes", "佐藤", "Yılmaz", "Gonçalves", "O'Neill", "Ward"];
const CITIES: [&str; 8] = ["Dublin", "Köln", "Варна", "Leeds", "札幌", "St. John's", "Reykjavík", "Lyon"];
const PLANS: [&str; 3] = ["free", "team", "business"];
/// Rows of one import call.
const CHUNK: u64 = 5_000;

/// The address of person number `n`.
#[must_use]
pub fn address(n: u64) -> String {
    format!("reader-{n}@mail-{}.example.com", n % 50)
}

/// Person number `n`, as a row of an import.
///
/// # Errors
///
/// Never in practice: [`address`] makes good addresses.
pub(crate) fn person(n: u64) -> Result<NewSubscriber, fanmail_domain::address::AddressError> {
    let name = format!("{} {}", pick(&FIRST, n), pick(&LAST, n / 12));
    let attribs = serde_json::json!({
        "city": pick(&CITIES, n),
        "plan": pick(&PLANS, n / 3),
        "signed_up": format!("202{}-0{}-1{}", n % 6, 1 + n % 9, n % 10),
        "language": "en",
    });
    let email = EmailAddress::parse(&address(n))?;
    Ok(NewSubscriber { email, name, attribs: attribs.to_string(), status: SubscriberStatus::Enabled })
}

fn pick<'a>(from: &[&'a str], n: u64) -> &'a str {
    from[usize::try_from(n % from.len() as u64).unwrap_or_default()]
}

/// Imports `count` people onto `list`, and tells `progress` how many are in.
///
/// # Errors
///
/// [`PortError`] if the store does not answer.
pub async fn import(
    store: &Store,
    list: ListId,
    count: u64,
    progress: impl Fn(u64),
) -> Result<(), PortError> {
    let clock = SystemClock::new();
    let mut from = 0;
    while from < count {
        let to = count.min(from + CHUNK);
        let rows: Result<Vec<_>, _> = (from..to).map(person).collect();
        let rows = rows.map_err(|error| PortError::new("make up an audience", error))?;
        let how = Import {
            lists: &[list],
            standing: SubscriptionStatus::Confirmed,
            overwrite: Overwrite::No,
            now: clock.now(),
        };
        store.import(&rows, &how).await?;
        from = to;
        progress(from);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn everybody_is_somebody_else_and_the_same_each_time() {
        let people: Vec<_> = (0..5_000).map(|n| person(n).unwrap()).collect();
        let addresses: HashSet<_> = people.iter().map(|person| person.email.expose().to_owned()).collect();
        assert_eq!(addresses.len(), people.len());
        assert_eq!(people[4_999], person(4_999).unwrap());
        assert!(people.iter().zip(0..).all(|(person, n)| person.email.expose() == address(n)));
    }
}
