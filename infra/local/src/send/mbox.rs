//! Writing the caught mail as one mailbox file, which any mail program opens.
//!
//! The format is mboxrd (RFC 4155 names the family): each message follows a line that begins with `From `,
//! and a line of a message that begins so is quoted with `>`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use fanmail_inbox::Inbox;

/// Messages written at the most: enough to look at, and not the disk's worth.
pub(super) const MAX_MESSAGES: usize = 10_000;

/// What becomes of the mail that an earlier run wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It was another campaign's.
    Replace,
    /// The campaign is the same and goes on.
    Append,
}

/// Writes what the inbox caught into `path`. Answers how many messages.
pub(super) fn write(inbox: &Inbox, path: &Path, mode: Mode) -> io::Result<usize> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let add = mode == Mode::Append;
    let file = File::options().create(true).write(true).append(add).truncate(!add).open(path)?;
    let mut file = BufWriter::new(file);
    let mut written = 0;
    let mut last = None;
    for delivery in inbox.deliveries() {
        if written == MAX_MESSAGES || last.replace(delivery.seq) == Some(delivery.seq) {
            continue;
        }
        if let Some(message) = inbox.message(delivery.seq)? {
            append(&mut file, &message)?;
            written += 1;
        }
    }
    file.flush()?;
    Ok(written)
}

fn append(file: &mut impl Write, message: &[u8]) -> io::Result<()> {
    file.write_all(b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n")?;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line);
        let unquoted = line.iter().position(|byte| *byte != b'>').unwrap_or(line.len());
        if line[unquoted..].starts_with(b"From ") {
            file.write_all(b">")?;
        }
        file.write_all(line)?;
        file.write_all(b"\n")?;
    }
    file.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_look_like_a_boundary_are_quoted() {
        let mut file = Vec::new();
        append(&mut file, b"Subject: a\r\n\r\nFrom here\r\n>From there\r\nFro\r\n").unwrap();
        let text = String::from_utf8(file).unwrap();
        let (_, message) = text.split_once('\n').unwrap();
        assert_eq!(message, "Subject: a\n\n>From here\n>>From there\nFro\n\n");
    }
}
