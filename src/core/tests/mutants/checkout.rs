//! The copy of the repository that mistakes are planted in: nobody's work is touched.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::list::Edit;

/// The copy, which no other process plants in meanwhile.
#[derive(Debug)]
pub(crate) struct Checkout {
    root: PathBuf,
    _lock: File,
}

/// A mistake that is planted, with what to put back.
#[derive(Debug)]
pub(crate) struct Planted(Vec<(PathBuf, String)>);

fn at<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> String {
    move |why| format!("{}: {why}", path.display())
}

impl Checkout {
    /// Copies every file that git knows or would know of, as it is now.
    pub(crate) fn make(from: &Path, folder: &Path) -> Result<Checkout, String> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(format!("another one is at work in {}", folder.display())),
            Err(TryLockError::Error(why)) => return Err(at(&path)(why)),
        }
        let root = folder.join("copy");
        if root.exists() {
            // What an earlier run left may have a mistake in it.
            fs::remove_dir_all(&root).map_err(at(&root))?;
        }
        for name in files(from)? {
            let (source, to) = (from.join(&name), root.join(&name));
            if !source.is_file() {
                continue;
            }
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).map_err(at(folder))?;
            }
            fs::copy(&source, &to).map_err(at(&source))?;
        }
        Ok(Checkout { root, _lock: lock })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Plants a mistake.
    ///
    /// # Errors
    /// In words, when it does not fit.
    pub(crate) fn plant(&self, edits: &[Edit]) -> Result<Planted, String> {
        let mut planted = Planted(Vec::new());
        for edit in edits {
            let path = self.root.join(&edit.file);
            let text = fs::read_to_string(&path).map_err(at(&path))?;
            match edit.applied(&text) {
                Ok(changed) => {
                    fs::write(&path, changed).map_err(at(&path))?;
                    planted.0.push((path, text));
                }
                Err(why) => {
                    planted.undo()?;
                    return Err(why);
                }
            }
        }
        Ok(planted)
    }
}

impl Planted {
    /// Takes it out again.
    pub(crate) fn undo(self) -> Result<(), String> {
        // Two pieces may be of one file.
        self.0.iter().rev().try_for_each(|(path, text)| fs::write(path, text).map_err(at(path)))
    }
}

/// What git lists, without what it is told to ignore.
fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .output()
        .map_err(|why| format!("git: {why}"))?;
    if !listed.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr)));
    }
    let names = String::from_utf8(listed.stdout).map_err(|why| format!("git ls-files: {why}"))?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}
