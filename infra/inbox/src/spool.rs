//! Bodies in one append-only file. The index stays with the caller; 100,000 messages of 8 KB need not sit in memory.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Written to the file at once: large enough that a message costs a copy and not a system call.
const FLUSH_BYTES: usize = 1 << 20;

/// Where a body lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    offset: u64,
    len: u32,
}

/// The file, and its end that is not written yet.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    written: u64,
    tail: Vec<u8>,
}

impl Spool {
    /// Opens `messages.spool` in the folder, emptied, or a temporary file without a name.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let file = match folder {
            None => tempfile::tempfile()?,
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                let path = folder.join("messages.spool");
                OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?
            }
        };
        Ok(Self { file, written: 0, tail: Vec::with_capacity(FLUSH_BYTES) })
    }

    /// Adds a body.
    pub(crate) fn append(&mut self, body: &[u8]) -> io::Result<Place> {
        let len = u32::try_from(body.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if self.tail.len() + body.len() > FLUSH_BYTES {
            self.flush()?;
        }
        let offset = self.written + self.tail.len() as u64;
        self.tail.extend_from_slice(body);
        Ok(Place { offset, len })
    }

    /// Reads a body back.
    pub(crate) fn read(&mut self, place: Place) -> io::Result<Vec<u8>> {
        if place.offset + u64::from(place.len) > self.written {
            self.flush()?;
        }
        let mut body = vec![0; place.len as usize];
        self.file.read_exact_at(&mut body, place.offset)?;
        Ok(body)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.tail.clear();
        self.written = 0;
        self.file.set_len(0)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.tail, self.written)?;
        self.written += self.tail.len() as u64;
        self.tail.clear();
        Ok(())
    }
}
