//! The sink answers each command once, however the input is cut.

use super::*;

/// Everything that is answered when `wire` comes in two pieces, cut at `cut`.
fn answers(wire: &[u8], cut: usize, chunking: bool) -> (String, Tally) {
    let (mut dialogue, mut replies, mut tally) = (Dialogue::new(chunking), Vec::new(), Tally::default());
    for piece in [&wire[..cut], &wire[cut..]] {
        dialogue.room().extend_from_slice(piece);
        dialogue.answer(&mut replies, &mut tally);
    }
    (String::from_utf8(replies).unwrap(), tally)
}

fn codes(replies: &str) -> Vec<&str> {
    replies.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect()
}

#[test]
fn a_pipelined_connection_is_counted_whole_wherever_the_network_cuts_it() {
    let wire = b"EHLO a\r\nMAIL FROM:<n@x.example>\r\nrcpt to:<a@y.example> X=1\r\nDATA\r\n\
        line\r\n..stuffed\r\n.\n\r\n.\r\n\
        MAIL FROM:<n@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n.\r\nWHAT\r\nQUIT\r\n";
    let mut expected = Tally::default();
    expected.add(hash(b"a@y.example"), 24);
    expected.add(hash(b"b@y.example"), 3);
    for cut in 0..=wire.len() {
        let (replies, tally) = answers(wire, cut, false);
        let codes = codes(&replies);
        assert_eq!(
            codes,
            ["250", "250", "250", "354", "250", "250", "250", "354", "250", "500", "221"],
            "{cut}"
        );
        assert_eq!(tally, expected, "{cut}");
    }
}

#[test]
fn chunks_are_counted_as_one_message_wherever_the_network_cuts_them() {
    let wire = b"MAIL FROM:<>\r\nRCPT TO:<a@y.example>\r\nBDAT 5\r\n\r\n.\r\nBDAT 3 LAST\r\nabcBDAT 0 LAST\r\nNOOP\r\n";
    let mut expected = Tally::default();
    expected.add(hash(b"a@y.example"), 8);
    expected.add(hash(b"a@y.example"), 0);
    for cut in 0..=wire.len() {
        let (replies, tally) = answers(wire, cut, true);
        assert_eq!(codes(&replies), ["250"; 6], "{cut}");
        assert_eq!(tally, expected, "{cut}");
    }
}

#[test]
fn what_is_offered_is_what_was_asked_for() {
    let offers = |chunking| answers(b"EHLO a\r\n", 0, chunking).0;
    assert!(offers(true).contains("CHUNKING") && !offers(false).contains("CHUNKING"));
    assert!(offers(false).contains("PIPELINING") && offers(false).contains("8BITMIME"));
}

#[test]
fn an_endless_line_ends_the_connection() {
    let (mut dialogue, mut replies) = (Dialogue::new(false), Vec::new());
    dialogue.room().extend_from_slice(&[b'x'; MAX_LINE + 1]);
    dialogue.answer(&mut replies, &mut Tally::default());
    assert!(dialogue.is_over() && replies.starts_with(b"500"));
}
