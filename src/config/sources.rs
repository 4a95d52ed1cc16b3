//! The files of a rule set: from the configured folders, else the bundled ones. The core reads no file itself.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::errors::codes;
use super::locate::{Place, diagnostic, place};
use super::{Bundled, Paths};
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::place::PlaceFile;

/// Deepest folder below a configured one.
const MAX_DEPTH: usize = 32;
/// Most files of one folder.
const MAX_FILES: usize = 20_000;
/// What rule and lexicon files end in.
const YAML: &[&str] = &["yml", "yaml"];
/// Largest single file.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Everything a rule set is compiled from, as read.
#[derive(Clone, Debug, Default)]
pub struct RuleFiles {
    /// Rules, sorted by name.
    pub rules: Vec<SourceFile>,
    /// Lexicons, sorted by name.
    pub lexicons: Vec<SourceFile>,
    /// Routing table.
    pub departments: SourceFile,
    /// Gazetteer files, sorted by name; the exposure of places among them.
    pub places: Vec<PlaceFile>,
}

/// What [`RuleFiles`] hold, to see whether anything changed: of places, and of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256 of the places.
    pub places: [u8; 32],
    /// SHA-256 of all files.
    pub all: [u8; 32],
}

impl RuleFiles {
    /// Digests over names and contents.
    pub fn digests(&self) -> Digests {
        let mut places = Sha256::new();
        for file in &self.places {
            add(&mut places, &[file.name.as_bytes(), &file.bytes]);
        }
        let places: [u8; 32] = places.finalize().into();
        let mut all = Sha256::new();
        all.update(places);
        let departments = std::slice::from_ref(&self.departments);
        for (kind, files) in [
            ("rule", self.rules.as_slice()),
            ("lexicon", &self.lexicons),
            ("departments", departments),
        ] {
            for file in files {
                let (name, text) = (file.name.as_bytes(), file.text.as_bytes());
                add(&mut all, &[kind.as_bytes(), name, text]);
            }
        }
        Digests {
            places,
            all: all.finalize().into(),
        }
    }
}

fn add(hash: &mut Sha256, parts: &[&[u8]]) {
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
}

/// Reads the files of a rule set. Errors name every file that could not be read.
pub fn load_rule_files(paths: &Paths) -> Result<RuleFiles, Vec<Diagnostic>> {
    let (files, errors) = read_rule_files(paths);
    if errors.is_empty() {
        Ok(files)
    } else {
        Err(errors)
    }
}

/// What can be read of a rule set, and an error for everything that cannot, which is left out; of places all, where one is.
pub fn read_rule_files(paths: &Paths) -> (RuleFiles, Vec<Diagnostic>) {
    let mut errors = Vec::new();
    let rules = texts(paths.rules.as_deref(), "rules/", YAML, &mut errors);
    let lexicons = texts(paths.lexicons.as_deref(), "lexicons/", YAML, &mut errors);
    let departments = load_departments(paths).unwrap_or_else(|error| {
        errors.push(error);
        SourceFile::default()
    });
    let places = places(paths, &mut errors);
    let files = RuleFiles {
        rules,
        lexicons,
        departments,
        places,
    };
    (files, errors)
}

/// The routing table's file, configured or bundled.
pub(super) fn load_departments(paths: &Paths) -> Result<SourceFile, Diagnostic> {
    if let Some(path) = &paths.departments {
        return read_text(path);
    }
    let name = "departments.yaml".to_owned();
    match Bundled::text(&name) {
        Some(text) => Ok(SourceFile { name, text }),
        None => Err(unreadable_file(
            &name,
            &io::Error::from(io::ErrorKind::NotFound),
        )),
    }
}

/// One YAML file, or every one of a folder and its subfolders, sorted by path; an error for each that cannot be read.
pub fn read_yaml(path: &Path, errors: &mut Vec<Diagnostic>) -> Vec<SourceFile> {
    if path.is_dir() {
        return read_folder(path, YAML, errors);
    }
    keep(read_text(path), errors).into_iter().collect()
}

fn texts(
    folder: Option<&Path>,
    bundled: &str,
    extensions: &[&str],
    errors: &mut Vec<Diagnostic>,
) -> Vec<SourceFile> {
    if let Some(folder) = folder {
        return read_folder(folder, extensions, errors);
    }
    Bundled::list(bundled)
        .into_iter()
        .filter(|name| has_extension(Path::new(name), extensions))
        .filter_map(|name| {
            let text = Bundled::text(&name)?;
            Some(SourceFile { name, text })
        })
        .collect()
}

/// Gazetteer files, with the configured exposure in place of the folder's. Half of a gazetteer would find other places: all or none.
fn places(paths: &Paths, errors: &mut Vec<Diagnostic>) -> Vec<PlaceFile> {
    let before = errors.len();
    let mut files = match &paths.places {
        None => bundled_places(),
        Some(folder) => {
            let found = walk(folder, errors).into_iter();
            let read = |path: PathBuf| regular(&path).and_then(|()| place_file(&path));
            found.filter_map(|path| keep(read(path), errors)).collect()
        }
    };
    let exposed = with_exposure(paths, &mut files);
    keep(exposed, errors);
    if errors.len() > before {
        files.clear();
    }
    files
}

fn with_exposure(paths: &Paths, files: &mut Vec<PlaceFile>) -> Result<(), Diagnostic> {
    if let Some(path) = &paths.exposure {
        if !is_exposure(&path.to_string_lossy()) {
            let error = io::Error::other("the file has to be named exposure.csv");
            return Err(unreadable_file(&path.display().to_string(), &error));
        }
        files.retain(|file| !is_exposure(&file.name));
        files.push(place_file(path)?);
        files.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(())
}

/// What could be read; why it could not be is added to the errors.
fn keep<T>(read: Result<T, Diagnostic>, errors: &mut Vec<Diagnostic>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}

fn is_exposure(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    base == "exposure.csv" || base == "exposure.csv.gz"
}

fn bundled_places() -> Vec<PlaceFile> {
    Bundled::list("places/")
        .into_iter()
        .filter_map(|name| {
            let bytes = Bundled::get(&name)?.into_owned();
            Some(PlaceFile { name, bytes })
        })
        .collect()
}

fn place_file(path: &Path) -> Result<PlaceFile, Diagnostic> {
    let name = path.display().to_string();
    let bytes =
        read_bounded(path, MAX_FILE_BYTES).map_err(|error| unreadable_file(&name, &error))?;
    Ok(PlaceFile { name, bytes })
}

/// Every file of a folder and its subfolders with one of the extensions, sorted by path; an error for each that cannot be read.
pub(super) fn read_folder(
    folder: &Path,
    extensions: &[&str],
    errors: &mut Vec<Diagnostic>,
) -> Vec<SourceFile> {
    let read = |path: PathBuf| regular(&path).and_then(|()| read_text(&path));
    walk(folder, errors)
        .into_iter()
        .filter(|path| has_extension(path, extensions))
        .filter_map(|path| keep(read(path), errors))
        .collect()
}

/// Of a folder only files are read: a pipe would hold up whoever reads it until somebody writes.
fn regular(path: &Path) -> Result<(), Diagnostic> {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => {
            let error = io::Error::other("not a file");
            let mut refused = unreadable_file(&path.display().to_string(), &error);
            refused.help("take it out of the folder, or begin its name with a dot");
            Err(refused)
        }
        // Opening says why.
        _ => Ok(()),
    }
}

/// The files below a folder, sorted; an error for each folder that cannot be read.
fn walk(folder: &Path, errors: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_path_buf(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        let below = entries(&folder, depth, &mut files);
        // Links to folders above would go on for ever, each in every other.
        let too_deep = below.is_err() && depth == MAX_DEPTH;
        folders.extend(keep(below, errors).into_iter().flatten());
        if too_deep {
            // What was found on the way may be the same few files again and again.
            files.clear();
            break;
        }
        seen += 1;
        if files.len().max(seen) > MAX_FILES {
            let error = io::Error::other(format!("more than {MAX_FILES} files"));
            errors.push(unreadable_file(&folder.display().to_string(), &error));
            break;
        }
    }
    files.sort();
    files
}

/// Adds the files of a folder, and gives the folders in it with their depth.
fn entries(
    folder: &Path,
    depth: usize,
    files: &mut Vec<PathBuf>,
) -> Result<Vec<(PathBuf, usize)>, Diagnostic> {
    let name = folder.display().to_string();
    let refuse = |error: &io::Error| unreadable_file(&name, error);
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| refuse(&error))? {
        let entry = entry.map_err(|error| refuse(&error))?;
        // Editors' locks, and the versions that Kubernetes keeps beside what it mounts.
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            // Left out, its rules would be missing without a word.
            if depth == MAX_DEPTH {
                let deep = format!("more than {MAX_DEPTH} folders deep; is it a link to itself?");
                return Err(refuse(&io::Error::other(deep)));
            }
            folders.push((path, depth + 1));
        } else {
            files.push(path);
        }
    }
    Ok(folders)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension()
        .is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
}

/// The bytes of a file, at most `limit` of them: the size is not believed, since a pipe has none.
fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

fn read_text(path: &Path) -> Result<SourceFile, Diagnostic> {
    read_text_of(path, MAX_FILE_BYTES)
}

/// A file of at most `limit` bytes of UTF-8; where it is not, the finding says from where on.
pub(super) fn read_text_of(path: &Path, limit: u64) -> Result<SourceFile, Diagnostic> {
    let name = path.display().to_string();
    let bytes = read_bounded(path, limit).map_err(|error| unreadable_file(&name, &error))?;
    String::from_utf8(bytes)
        .map(|text| SourceFile {
            name: name.clone(),
            text,
        })
        .map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(&error.as_bytes()[..good]);
            diagnostic(
                &name,
                place(&text, good..good),
                codes::UNREADABLE,
                "cannot read: not UTF-8 from here on",
            )
        })
}

/// A file or folder that cannot be read.
pub(super) fn unreadable_file(name: &str, error: &io::Error) -> Diagnostic {
    diagnostic(
        name,
        Place::default(),
        codes::UNREADABLE,
        &format!("cannot read: {error}"),
    )
}
