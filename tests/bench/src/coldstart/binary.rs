//! The deployable binaries: where they are, and how large.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One function's binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The function's name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// The binary of function `name` below `folder`, as cargo, `cargo lambda` or `sam build` leave it there.
#[must_use]
pub fn find(folder: &Path, name: &str) -> Option<Binary> {
    let logical = format!("{}{}Function", name.get(..1)?.to_uppercase(), name.get(1..)?);
    let package = format!("fanmail-{name}");
    let names = [name, package.as_str(), logical.as_str()].map(|name| folder.join(name));
    let mut places = names.into_iter().flat_map(|place| [place.join("bootstrap"), place]);
    let path = places.find(|place| place.is_file())?;
    Some(Binary { name: name.to_owned(), path })
}

impl Binary {
    /// Octets of the file.
    ///
    /// # Errors
    ///
    /// What the file system said.
    pub fn octets(&self) -> io::Result<u64> {
        Ok(self.path.metadata()?.len())
    }

    /// Octets as a zip holds them: `gzip -9` is the same method at the same level, and its frame is 100 octets
    /// smaller at the most.
    ///
    /// # Errors
    ///
    /// If there is no `gzip`, or it fails.
    pub fn zipped_octets(&self) -> io::Result<u64> {
        let mut command = Command::new("gzip");
        let output = command.args(["-9", "-c"]).arg(&self.path).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("gzip: {}", output.status)));
        }
        Ok(output.stdout.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_found_where_each_build_tool_leaves_it() {
        for place in ["fanmail-sender", "sender", "fanmail-sender/bootstrap", "SenderFunction/bootstrap"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(place);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            assert_eq!(find(folder.path(), "sender"), None);
            std::fs::write(&path, [0; 10_000]).unwrap();
            let binary = find(folder.path(), "sender").unwrap();
            assert_eq!(binary, Binary { name: "sender".into(), path });
            assert_eq!(binary.octets().unwrap(), 10_000);
            assert!((20..100).contains(&binary.zipped_octets().unwrap()));
        }
    }
}
