//! Rule files from the command line.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::core::diagnostic::SourceFile;

/// Deepest nesting of folders.
const MAX_DEPTH: usize = 32;

/// The files under the paths, sorted by name: a file as it is, of a folder every `.yml` and `.yaml` at any depth.
pub fn read_rules(paths: &[PathBuf]) -> anyhow::Result<Vec<SourceFile>> {
    let mut names = Vec::new();
    for path in paths {
        collect(path, 0, &mut names).with_context(|| format!("cannot read {}", path.display()))?;
    }
    names.sort();
    names.dedup();
    names.iter().map(|name| read(name)).collect()
}

fn read(name: &Path) -> anyhow::Result<SourceFile> {
    let text =
        std::fs::read_to_string(name).with_context(|| format!("cannot read {}", name.display()))?;
    Ok(SourceFile {
        name: name.display().to_string(),
        text,
    })
}

fn collect(path: &Path, depth: usize, names: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        // One that is named must exist, whatever it is called.
        std::fs::metadata(path)?;
        names.push(path.to_owned());
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Err(io::Error::other(format!(
            "more than {MAX_DEPTH} folders deep"
        )));
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?.path();
        let rule = entry.extension().is_some_and(|e| e == "yml" || e == "yaml");
        if entry.is_dir() || rule {
            collect(&entry, depth + 1, names)?;
        }
    }
    Ok(())
}
