//! Whether a journal's files still are where they were opened. Deleted or replaced, they would be written on by a program
//! that has them open, and nobody would ever read it.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// The files, and which ones they were when they were first seen.
#[derive(Debug)]
pub(crate) struct Anchor {
    files: [(PathBuf, Option<Identity>); 2],
}

/// Which file stands behind a path, whatever its name.
type Identity = (u64, u64);

impl Anchor {
    /// The journal and its log, as they are now.
    pub(crate) fn drop_at(journal: &Path) -> Anchor {
        let mut log = journal.as_os_str().to_owned();
        log.push("-wal");
        Anchor { files: [journal.to_path_buf(), PathBuf::from(log)].map(|path| (path.clone(), identity(&path))) }
    }

    /// The first of the files that is not what it was.
    pub(crate) fn missing(&mut self) -> Option<&Path> {
        for (path, seen) in &mut self.files {
            let found = identity(path);
            if seen.is_some() && found != *seen {
                return Some(path);
            }
            *seen = found;
        }
        None
    }
}

fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|found| of_metadata(&found))
}

#[cfg(unix)]
fn of_metadata(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// Elsewhere an open file cannot be replaced.
#[cfg(not(unix))]
fn of_metadata(_: &Metadata) -> Identity {
    (0, 0)
}
