//! The files that a `send` writes: found to be writable before anything is sent, not after.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{SendError, SendOptions, Summary};

/// The folder for rejected rows and caught mail, made if it was not there.
///
/// Dropped before it is [kept](OutFolder::keep), it goes again if it was made and nothing is in it.
#[derive(Debug)]
pub(super) struct OutFolder {
    made: Option<PathBuf>,
}

impl OutFolder {
    /// Makes the folder, and checks that a file can be written into it.
    pub(super) fn make(options: &SendOptions) -> Result<Self, SendError> {
        let path = &options.out;
        let option = if options.data_dir.as_ref() == Some(path) { "--data-dir" } else { "--out" };
        Self::make_at(path).map_err(|source| SendError::Output { path: path.clone(), option, source })
    }

    fn make_at(path: &Path) -> io::Result<Self> {
        let made = (!path.exists()).then(|| path.to_owned());
        fs::create_dir_all(path)?;
        let folder = Self { made };
        tempfile::tempfile_in(path)?;
        Ok(folder)
    }

    pub(super) fn keep(mut self) {
        self.made = None;
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            // Fails where something is in it by now: then it stays.
            let _ = fs::remove_dir(path);
        }
    }
}

/// Checks that the report can be written when there is something to report.
pub(crate) fn check_report(report: Option<&Path>) -> Result<(), SendError> {
    let Some(path) = report else { return Ok(()) };
    let existed = path.exists();
    let opened = OpenOptions::new().create(true).append(true).open(path);
    let checked = opened.and_then(|_| if existed { Ok(()) } else { fs::remove_file(path) });
    checked.map_err(|source| SendError::Output { path: path.to_owned(), option: "--report", source })
}

/// Writes the figures as JSON.
pub(super) fn write_report(path: &Path, summary: &Summary) -> io::Result<()> {
    let json = serde_json::to_string_pretty(&summary.report())?;
    fs::write(path, json + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_made_for_nothing_goes_again() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("out");
        drop(OutFolder::make_at(&path).unwrap());
        assert!(!path.exists());

        OutFolder::make_at(&path).unwrap().keep();
        drop(OutFolder::make_at(&path).unwrap());
        assert!(path.exists(), "a folder that was there before was taken away");
    }
}
