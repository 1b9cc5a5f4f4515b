//! Finds names that nobody knows, in branches that no trial would reach too.
//!
//! What is bound inside the template (`{% set a = subscriber.attribs %}{{ a.city }}`) is not followed: a mistake
//! there fails the recipients it meets.

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind};

use super::{Part, TemplateError};
use crate::tag;

/// For people who mistyped one.
pub(super) const VARIABLES: &str = "subscriber.id, .email, .name, .first_name, .last_name, .attribs.*, campaign.id, \
     .name, .subject (not in the subject itself) and unsubscribe_url";

/// Checks one template; says whether it uses attributes.
pub(super) fn names(environment: &Environment<'_>, part: Part) -> Result<bool, TemplateError> {
    let Ok(template) = environment.get_template(part.name()) else { return Ok(false) };
    let mut variables: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    variables.sort_unstable();
    let is_global = |name: &str| environment.globals().any(|(known, _)| known == name);
    let unknown = variables.iter().find(|path| !is_known(path, part) && !is_global(path));
    if let Some(name) = unknown {
        return Err(TemplateError::UnknownVariable { part, name: name.clone() });
    }
    for tag in tag::tags(template.source()) {
        filters_and_tests(environment, part, tag)?;
    }
    Ok(variables.iter().any(|path| path == "subscriber" || path.starts_with("subscriber.attribs")))
}

fn is_known(path: &str, part: Part) -> bool {
    let path: Vec<&str> = path.split('.').collect();
    match path.as_slice() {
        ["subscriber" | "campaign" | "unsubscribe_url"] | ["campaign", "id" | "name"] => true,
        ["subscriber", "id" | "email" | "name" | "first_name" | "last_name"] => true,
        ["subscriber", "attribs", ..] => true,
        ["campaign", "subject"] => part != Part::Subject,
        _ => false,
    }
}

fn filters_and_tests(environment: &Environment<'_>, part: Part, tag: &str) -> Result<(), TemplateError> {
    let words = tag::words(tag);
    let unknown = |kind, name: &str| Err(TemplateError::UnknownName { part, kind, name: name.to_owned() });
    let mut state = environment.empty_state();
    for index in 1..words.len() {
        let (before, name) = (words[index - 1], words[index]);
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            continue;
        }
        let is_test = before == "is" || before == "not" && index > 1 && words[index - 2] == "is";
        let opens_filter = before == "filter" && tag::keyword(tag) == "filter";
        // Called without a value a filter complains of that, unless there is no such filter.
        if before == "|" || opens_filter {
            if state.apply_filter(name, &[]).is_err_and(|err| err.kind() == ErrorKind::UnknownFilter) {
                return unknown("filter", name);
            }
        } else if is_test
            && name != "not"
            && state
                .perform_test(name, &[Value::UNDEFINED])
                .is_err_and(|err| err.kind() == ErrorKind::UnknownTest)
        {
            return unknown("test", name);
        }
    }
    Ok(())
}
