//! The files of `config/`, carried in the binary, so that demo and replay work without a checkout.

use std::borrow::Cow;

/// Bundled files, by path below `config/`.
#[derive(rust_embed::RustEmbed)]
#[folder = "config/"]
#[exclude = "*.swp"]
struct Files;

/// Access to the bundled files.
#[derive(Clone, Copy, Debug)]
pub struct Bundled;

impl Bundled {
    /// Contents of one file, such as `departments.yaml`.
    pub fn get(path: &str) -> Option<Cow<'static, [u8]>> {
        Files::get(path).map(|file| file.data)
    }

    /// Contents of one text file; invalid UTF-8 counts as absent.
    pub fn text(path: &str) -> Option<String> {
        String::from_utf8(Self::get(path)?.into_owned()).ok()
    }

    /// Paths that start with `prefix`, sorted.
    pub fn list(prefix: &str) -> Vec<String> {
        let mut paths: Vec<String> = Files::iter()
            .filter(|path| path.starts_with(prefix))
            .map(Cow::into_owned)
            .collect();
        paths.sort();
        paths
    }
}
