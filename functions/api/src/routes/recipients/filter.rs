//! Which recipients a page is to have.

use fanmail_domain::RecipientState;

use crate::request::Request;
use crate::response::ApiError;

/// Names of a state and of a reason; each fits everybody where it is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) state: Option<&'static str>,
    pub(super) reason: Option<&'static str>,
}

impl Filter {
    /// What the request asks for; a name that no recipient can have is refused.
    pub(super) fn of(request: &Request) -> Result<Self, ApiError> {
        let states = RecipientState::ALL.into_iter().map(RecipientState::name);
        let reasons = RecipientState::ALL.into_iter().filter_map(RecipientState::reason);
        Ok(Self { state: one_of(request, "state", states)?, reason: one_of(request, "reason", reasons)? })
    }

    pub(super) fn fits(self, state: RecipientState) -> bool {
        self.state.is_none_or(|name| name == state.name())
            && self.reason.is_none_or(|reason| state.reason() == Some(reason))
    }
}

/// The parameter `name` of the query, which has to be one of the names that are known.
fn one_of(
    request: &Request,
    name: &str,
    known: impl Iterator<Item = &'static str>,
) -> Result<Option<&'static str>, ApiError> {
    let Some(asked) = request.query.get(name) else { return Ok(None) };
    let mut names: Vec<&'static str> = Vec::new();
    for known in known {
        if known == asked {
            return Ok(Some(known));
        }
        if !names.contains(&known) {
            names.push(known);
        }
    }
    Err(ApiError::bad(&format!("{name} is one of {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanmail_domain::{FailReason, SkipReason};

    #[test]
    fn state_and_reason_both_have_to_fit() {
        let failed = Filter { state: Some("failed"), reason: None };
        let render = Filter { reason: Some("render"), ..failed };
        let states = [
            RecipientState::Failed(FailReason::Render),
            RecipientState::Failed(FailReason::Rejected),
            RecipientState::Skipped(SkipReason::Gone),
        ];
        assert_eq!(states.map(|state| failed.fits(state)), [true, true, false]);
        assert_eq!(states.map(|state| render.fits(state)), [true, false, false]);
        assert_eq!(states.map(|state| Filter::default().fits(state)), [true; 3]);
    }
}
