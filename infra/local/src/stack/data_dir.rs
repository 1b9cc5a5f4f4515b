//! The folder a stack lives in: the database, the secret, the logs and the caught mail.
//!
//! A folder that survives belongs to one stack at a time: its file `VERSION`, which says how the rest is to be
//! read, is locked as long as the stack lives. The system takes the lock away with the process, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::StackError;
use super::config::Storage;

/// Grows when a folder of this version cannot be read by the version before.
const VERSION: &str = "3";

/// Says which version a folder is of, and is locked by who uses it.
const VERSION_FILE: &str = "VERSION";

/// The database's file.
const DATABASE: &str = "dynamodb.sqlite";

/// A folder, gone with its owner or not.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    temporary: Option<TempDir>,
    /// The locked file `VERSION` of a folder that survives.
    lock: Option<File>,
}

impl DataDir {
    /// Opens or makes the folder, and refuses one of another version.
    pub(super) fn open(storage: &Storage) -> Result<Self, StackError> {
        match storage {
            Storage::Memory => {
                let folder = tempfile::Builder::new().prefix("fanmail-").tempdir();
                let folder = folder.map_err(StackError::TempDir)?;
                Ok(Self { path: folder.path().to_owned(), temporary: Some(folder), lock: None })
            }
            Storage::Folder(path) => {
                let lock = claim(path)?;
                Ok(Self { path: path.clone(), temporary: None, lock: Some(lock) })
            }
        }
    }

    /// The database's file, if there is to be one.
    pub(super) fn database(&self) -> Option<PathBuf> {
        self.lock.is_some().then(|| self.path.join(DATABASE))
    }

    pub(super) fn spool(&self) -> PathBuf {
        self.path.join("inbox")
    }

    pub(super) fn log(&self, function: &str) -> PathBuf {
        self.path.join("logs").join(format!("{function}.log"))
    }

    /// The key of the unsubscribe links: made once, kept as long as the folder.
    pub(super) fn unsubscribe_key(&self) -> Result<String, StackError> {
        let path = self.path.join("unsubscribe.key");
        let read = || match fs::read_to_string(&path) {
            Ok(key) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = random_hex()?;
                write_private(&path, &key)?;
                Ok(key)
            }
            Err(error) => Err(error),
        };
        read().map_err(|source| StackError::DataDir { path: path.clone(), source })
    }

    /// Makes a temporary folder one that can be opened again. Answers where the database is to be written,
    /// if it is not there already.
    pub(super) fn prepare_to_stay(&self) -> Result<Option<PathBuf>, StackError> {
        if self.lock.is_some() {
            return Ok(None);
        }
        let file = self.path.join(VERSION_FILE);
        fs::write(&file, VERSION).map_err(|source| StackError::DataDir { path: file, source })?;
        Ok(Some(self.path.join(DATABASE)))
    }

    /// Keeps a temporary folder after the stack is gone, and answers where it is.
    pub(super) fn keep(mut self) -> PathBuf {
        if let Some(folder) = self.temporary.take() {
            return folder.keep();
        }
        self.path
    }
}

/// Makes the folder if need be, locks it, and refuses one that is not ours to use.
fn claim(folder: &Path) -> Result<File, StackError> {
    let failed = |source| StackError::DataDir { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let path = folder.join(VERSION_FILE);
    let foreign = || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if !path.exists() && foreign() {
        return Err(StackError::ForeignDataDir(folder.to_owned()));
    }
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
    let mut file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StackError::DataDirInUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    check_version(&mut file, folder)?;
    Ok(file)
}

/// Compares the version with ours; a folder that has none yet becomes one of ours.
fn check_version(file: &mut File, folder: &Path) -> Result<(), StackError> {
    let failed = |source| StackError::DataDir { path: folder.to_owned(), source };
    let mut found = String::new();
    file.read_to_string(&mut found).map_err(failed)?;
    match found.trim() {
        "" => file.write_all(VERSION.as_bytes()).map_err(failed),
        VERSION => Ok(()),
        found => Err(StackError::DataDirVersion {
            path: folder.to_owned(),
            found: found.to_owned(),
            expected: VERSION,
        }),
    }
}

/// 32 random bytes of the operating system, in hexadecimal.
fn random_hex() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;

    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    fn open(path: &Path) -> Result<DataDir, StackError> {
        DataDir::open(&Storage::Folder(path.to_owned()))
    }

    #[test]
    fn a_folder_is_made_once_and_its_key_stays() {
        let parent = folder();
        let path = parent.path().join("new/data");
        let first = open(&path).unwrap().unsubscribe_key().unwrap();
        assert_eq!((open(&path).unwrap().unsubscribe_key().unwrap(), first.len()), (first, 64));
    }

    #[test]
    fn a_folder_belongs_to_one_stack_at_a_time() {
        let folder = folder();
        let first = open(folder.path()).unwrap();
        assert!(matches!(open(folder.path()), Err(StackError::DataDirInUse(_))));
        drop(first);
        open(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_of_another_version_or_of_somebody_else_is_refused() {
        let other = folder();
        fs::write(other.path().join("VERSION"), "7").unwrap();
        assert!(matches!(open(other.path()), Err(StackError::DataDirVersion { .. })));
        let foreign = folder();
        fs::write(foreign.path().join("photo.jpg"), "").unwrap();
        assert!(matches!(open(foreign.path()), Err(StackError::ForeignDataDir(_))));
        assert_eq!(fs::read_dir(foreign.path()).unwrap().count(), 1, "something was written into it");
    }
}
