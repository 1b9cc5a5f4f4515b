//! Which table, and with whose credentials: from the command line and the environment.
//!
//! Credentials come from the variables that the AWS command line and its relatives know; no file and no service is
//! searched for others, as nowhere in fanmail.

use fanmail_engine::ports::PortError;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::Vars;
use fanmail_store::{Store, StoreError};

use super::TokenError;

/// Where the tokens are.
#[derive(Debug, Clone)]
pub struct Place {
    table: String,
    /// As the command line named it.
    arguments: String,
    vars: Vec<(String, String)>,
}

impl Place {
    /// In the deployment of this name, with these variables of the environment.
    pub fn of_stack(stack: &str, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let (table, arguments) = (format!("{stack}-campaigns"), format!("--stack {stack}"));
        Self { table, arguments, vars: vars.into_iter().collect() }
    }

    /// In this Campaigns table, with these variables of the environment.
    pub fn of_table(table: String, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let arguments = format!("--campaigns-table {table}");
        Self { table, arguments, vars: vars.into_iter().collect() }
    }

    pub(super) fn table(&self) -> &str {
        &self.table
    }

    pub(super) fn arguments(&self) -> &str {
        &self.arguments
    }

    /// A client of the table.
    pub(super) fn store(&self) -> Result<Store, TokenError> {
        let given = Vars::new(self.vars.clone());
        let mut vars = Vec::new();
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            vars.push((name, given.optional(name).ok_or(TokenError::NoCredentials)?));
        }
        vars.push(("AWS_REGION", self.region(&given).ok_or(TokenError::NoRegion)?));
        vars.extend(given.optional("AWS_SESSION_TOKEN").map(|token| ("AWS_SESSION_TOKEN", token)));
        let endpoint =
            given.optional("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| given.optional("AWS_ENDPOINT_URL"));
        vars.extend(endpoint.map(|url| ("AWS_ENDPOINT_URL_DYNAMODB", url)));
        vars.push(("FANMAIL_CAMPAIGNS_TABLE", self.table.clone()));
        // What the functions have beside it, and a token has nothing to do with.
        for name in ["FANMAIL_AUDIENCE_TABLE", "FANMAIL_LANES_QUEUE_URL", "FANMAIL_BATCHES_QUEUE_URL"] {
            vars.push((name, "none".to_owned()));
        }
        let vars = Vars::new(vars.into_iter().map(|(name, value)| (name.to_owned(), value)));
        AwsConfig::from_vars(vars).map(|aws| aws.store()).map_err(TokenError::Vars)
    }

    fn region(&self, given: &Vars) -> Option<String> {
        given.optional("AWS_REGION").or_else(|| given.optional("AWS_DEFAULT_REGION"))
    }

    /// What DynamoDB refused, in words for whoever runs the command.
    pub(super) fn explain(&self, error: PortError) -> TokenError {
        let table = self.table.clone();
        let Some(StoreError::Refused { code, .. }) = error.source.downcast_ref() else {
            return TokenError::Store(error);
        };
        match code.as_str() {
            "ResourceNotFoundException" => {
                let region = self.region(&Vars::new(self.vars.clone())).unwrap_or_default();
                TokenError::NoTable { table, region }
            }
            "AccessDeniedException" => TokenError::Denied { table, source: error },
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "ExpiredTokenException"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException" => TokenError::Credentials(error),
            _ => TokenError::Store(error),
        }
    }
}
