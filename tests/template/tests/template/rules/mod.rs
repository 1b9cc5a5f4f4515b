//! The rules, each with the name that `planted` calls it by.

mod access;
mod data;
mod environment;
mod functions;
mod http;
mod parameters;
mod queues;
mod watching;

use crate::template::Template;

/// Looks at a template and says what is wrong with it, a sentence for each fault.
pub(crate) type Rule = fn(&Template) -> Vec<String>;

/// All of them.
pub(crate) const ALL: &[(&str, Rule)] = &[
    ("the senders' limit", queues::senders_limit),
    ("event sources", queues::event_sources),
    ("visibility", queues::visibility),
    ("dead letters", queues::dead_letters),
    ("receives", queues::receives),
    ("sealed queues", queues::sealed),
    ("actions", access::actions),
    ("resources", access::resources),
    ("managed policies", access::managed_policies),
    ("who writes what", access::writers),
    ("concurrency", access::concurrency),
    ("tables", data::tables),
    ("what stays", data::what_stays),
    ("names", data::names),
    ("tags", data::tags),
    ("logs", functions::logs),
    ("deployment", functions::deployment),
    ("schedules", functions::schedules),
    ("environment", environment::environment),
    ("senders", environment::senders),
    ("public paths", http::public_paths),
    ("access log", http::access_log),
    ("alarms", watching::alarms),
    ("wanted alarms", watching::wanted_alarms),
    ("metrics", watching::metrics),
    ("dashboard", watching::dashboard),
    ("parameters", parameters::parameters),
];
