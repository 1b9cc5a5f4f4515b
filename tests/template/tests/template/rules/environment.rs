//! Every variable that a function reads is given to it or has a default, and nothing else is given.
//!
//! Two looks: the template against the table below, and the table against the variables that stand in the functions'
//! sources. So neither a renamed variable nor a forgotten one comes through.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::template::{Template, number, words};
use crate::tools::root;

/// How a function comes by a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// The template gives it.
    Given,
    /// The template gives it; the function does without.
    Wanted,
    /// It has a default, which the template leaves alone.
    Default,
}
use Need::{Default, Given, Wanted};

const EVERY: &[&str] = &["api", "start", "sender", "feedback", "sweeper"];
const WITH_TASKS: &[&str] = &["api", "start", "sender", "sweeper"];
const API: &[&str] = &["api"];
const SENDER: &[&str] = &["sender"];
const LINKS: &[&str] = &["api", "sender"];

/// The functions' environment: variable, functions, need.
const VARIABLES: &[(&str, &[&str], Need)] = &[
    ("FANMAIL_API_AUTH", API, Default),
    ("FANMAIL_AUDIENCE_TABLE", EVERY, Given),
    ("FANMAIL_BATCHES_QUEUE_URL", WITH_TASKS, Given),
    ("FANMAIL_CAMPAIGNS_TABLE", EVERY, Given),
    ("FANMAIL_DKIM", SENDER, Wanted),
    ("FANMAIL_LANES_QUEUE_URL", WITH_TASKS, Given),
    ("FANMAIL_LOG", EVERY, Default),
    ("FANMAIL_MAX_CONNS", SENDER, Default),
    ("FANMAIL_PROVIDER", SENDER, Given),
    ("FANMAIL_PUBLIC_URL", LINKS, Given),
    ("FANMAIL_SCHEDULE_DEAD_LETTERS_ARN", API, Wanted),
    ("FANMAIL_SCHEDULE_GROUP", API, Wanted),
    ("FANMAIL_SCHEDULE_ROLE_ARN", API, Wanted),
    ("FANMAIL_SCHEDULE_TARGET_ARN", API, Wanted),
    ("FANMAIL_SENDER_FUNCTION", API, Wanted),
    ("FANMAIL_SENDER_MAPPING", API, Wanted),
    ("FANMAIL_SENDER_RESERVED", API, Wanted),
    ("FANMAIL_SENDER_WORKS_S", API, Wanted),
    ("FANMAIL_SES_CONFIGURATION_SET", SENDER, Wanted),
    ("FANMAIL_SMTP_URL", SENDER, Given),
    ("FANMAIL_STACK", EVERY, Wanted),
    ("FANMAIL_STALLED_AFTER_S", &["sweeper"], Default),
    ("FANMAIL_SUBMIT_TIMEOUT_S", SENDER, Default),
    ("FANMAIL_TOKEN_CACHE_S", API, Default),
    ("FANMAIL_UNSUBSCRIBE_KEY", LINKS, Given),
];

/// Each function is given what the table says.
pub(crate) fn environment(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (short, name) in template.functions() {
        let given = &template.properties(&name)["Environment"]["Variables"];
        let given: BTreeSet<&str> =
            given.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let of_it = VARIABLES.iter().filter(|(_, functions, _)| functions.contains(&short.as_str()));
        let wanted: BTreeSet<&str> =
            of_it.filter(|(.., need)| *need != Default).map(|(name, ..)| *name).collect();
        faults.extend(wanted.difference(&given).map(|variable| format!("{name} is not given {variable}")));
        faults.extend(
            given
                .difference(&wanted)
                .map(|variable| format!("{name} is given {variable}, which it does not read")),
        );
    }
    faults
}

/// What a sender keeps for a last message and for the writes after it, in seconds (functions/sender/src/config.rs).
const RESERVE: u64 = 15 + 3;

/// The API knows how long the senders work, and begins with as many of them as the settings do.
pub(crate) fn senders(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    let works = &template.properties("ApiFunction")["Environment"]["Variables"]["FANMAIL_SENDER_WORKS_S"];
    let timeout = number(&template.properties("SenderFunction")["Timeout"]).unwrap_or_default();
    if number(works) != Some(timeout.saturating_sub(RESERVE)) {
        faults.push(format!("the API takes the senders to work {} s of their {timeout} s", words(works)));
    }
    let settings = u64::from(fanmail_domain::Settings::default().concurrency);
    let senders = number(&template.0["Parameters"]["MaxConcurrency"]["Default"]);
    if senders != Some(settings) {
        faults.push(format!("the settings begin with {settings} senders, the template with {senders:?}"));
    }
    faults
}

/// The variables that stand in sources below `folder`, its tests aside.
fn read_in(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(read_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(named_in(text.split("#[cfg(test)]").next().unwrap()));
        }
    }
    found
}

/// Names in quotes that begin like ours: `"FANMAIL_…"`.
fn named_in(source: &str) -> impl Iterator<Item = String> + '_ {
    source.split("\"FANMAIL_").skip(1).filter_map(|rest| {
        let name = rest.split('"').next()?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        is_name.then(|| format!("FANMAIL_{name}"))
    })
}

#[test]
fn the_table_names_what_the_functions_read() {
    let in_runtime = read_in(&root().join("shared/runtime/src"));
    let mut read = in_runtime;
    for function in EVERY {
        let of_it = read_in(&root().join("functions").join(function).join("src"));
        let names =
            |name: &str| VARIABLES.iter().any(|(known, of, _)| *known == name && of.contains(function));
        let unknown: Vec<_> = of_it.iter().filter(|name| !names(name)).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{function} reads what the table does not give it");
        read.extend(of_it);
    }
    let known: BTreeSet<String> = VARIABLES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(read, known, "left: in the sources, right: in the table");
}
