//! What people type as an address or a From header.
//!
//! - No text makes a parser panic.
//! - An address that was taken is ASCII, short enough, the same when it is read again, good for an envelope, and
//!   not to be seen in its masked form.
//! - Nothing that an envelope takes could end a command line (RFC 5321 4.1.1.2).
//! - A From header that was taken holds no control character and an address that was taken.

#![no_main]

use fanmail_domain::EmailAddress;
use fanmail_mailer::Sender;
use fanmail_smtp::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(address) = EmailAddress::parse(text) {
        check(&address);
    }
    if let Ok(envelope) = Envelope::new(text, text) {
        let ends_a_path = |c: char| c.is_control() || c.is_whitespace() || "<>".contains(c);
        assert!(!envelope.from().contains(ends_a_path) && !envelope.to().contains(ends_a_path));
        assert!(envelope.to().len() <= 254);
    }
    if let Ok(sender) = Sender::parse(text) {
        assert!(!sender.name.contains(char::is_control));
        check(&sender.address);
    }
});

fn check(address: &EmailAddress) {
    let text = address.expose();
    assert!(text.is_ascii() && text.len() <= 254 && text.matches('@').count() == 1);
    assert_eq!(EmailAddress::parse(text).as_ref(), Ok(address));
    assert!(text.ends_with(address.domain()) && address.domain().contains('.'));
    assert!(Envelope::new(text, text).is_ok());
    // A mask ends with asterisks, and so may a local part.
    let looks_masked = text.contains("*@");
    assert!(looks_masked || !address.to_string().contains(text) && !format!("{address:?}").contains(text));
}
