//! What a server says, cut as the network likes.
//!
//! - No bytes make the reader panic.
//! - Where the network cuts does not matter: all at once or in pieces, the same replies come out, and the same error.
//! - A reply keeps its promises: the code's range, an enhanced code of the same class, a bounded text.

#![no_main]

use libfuzzer_sys::fuzz_target;

// The reader is private to its crate, and needs nothing of it.
#[expect(dead_code, reason = "the client uses more of it")]
#[path = "../../shared/smtp/src/reply.rs"]
mod reply;

use reply::{Reply, ReplyError, ReplyReader};

fuzz_target!(|input: &[u8]| {
    // The first byte says how long the pieces are.
    let Some((first, wire)) = input.split_first() else { return };
    let whole = replies(std::iter::once(wire));
    let pieces = replies(wire.chunks(usize::from(*first).max(1)));
    assert_eq!(whole, pieces);
    whole.iter().flatten().for_each(check);
});

/// Everything up to the first error.
fn replies<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Reply, ReplyError>> {
    let (mut reader, mut all) = (ReplyReader::default(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        while let Some(reply) = reader.next().transpose() {
            let is_error = reply.is_err();
            all.push(reply);
            if is_error {
                return all;
            }
        }
    }
    all
}

fn check(reply: &Reply) {
    assert!((200..=559).contains(&reply.code()));
    let text = reply.text();
    assert!(text.split('\n').count() <= 100 && text.len() <= 100 * 3 * 4096);
    if let Some(enhanced) = reply.enhanced() {
        assert_eq!(u16::from(enhanced.class), reply.code() / 100);
        // Zeros in front of a number are let through.
        let numbers = text.split_ascii_whitespace().next().unwrap_or_default().split('.');
        let numbers: Vec<u16> = numbers.map(|number| number.parse().expect("a number")).collect();
        assert_eq!(numbers, [u16::from(enhanced.class), enhanced.subject, enhanced.detail]);
    }
}
