//! Takes personal data out of text that others wrote: replies of servers, errors of templates.

/// The longest text that the ledger keeps, in characters.
const MAX_CHARS: usize = 500;

/// `text` without addresses and control characters, shortened to 500 characters.
///
/// Providers echo the address they refuse, sometimes only its local part, so both are taken out: every word
/// with an `@` in it, and every word that contains one of `secrets` (compared without case).
#[must_use]
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let secrets: Vec<String> =
        secrets.iter().filter(|secret| secret.len() > 1).map(|secret| secret.to_lowercase()).collect();
    let clean = |word: &str| {
        let lower = word.to_lowercase();
        let personal = word.contains('@') || secrets.iter().any(|secret| lower.contains(secret.as_str()));
        if personal { "<redacted>".to_owned() } else { word.replace(char::is_control, "") }
    };
    let words: Vec<String> = text.split_whitespace().map(clean).collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_local_parts_are_taken_out() {
        let reply = "5.1.1 <Ann.Lee@example.org>: user ANN.LEE unknown\r\nin our table\u{7}";
        assert_eq!(
            redact(reply, &["ann.lee@example.org", "ann.lee"]),
            "5.1.1 <redacted> user <redacted> unknown in our table"
        );
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(redact(&"é".repeat(900), &[]).chars().count(), 500);
    }

    #[test]
    fn one_letter_is_no_secret() {
        assert_eq!(redact("a mailbox is full", &["a"]), "a mailbox is full");
    }
}
