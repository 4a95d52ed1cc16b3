//! Style sheet, scripts and icons, carried in the binary.
//!
//! Invariant: what a browser may keep for ever has an address that contains a digest of its contents.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/desk/console/assets/"]
#[exclude = "*.LICENSE"]
#[exclude = "*.md"]
struct Files;

/// Where assets are served.
pub const PREFIX: &str = "/assets/";

/// One file as it is served.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Media type.
    pub media_type: &'static str,
    /// Contents.
    pub bytes: axum::body::Bytes,
    /// The address names the contents.
    pub fixed: bool,
}

struct Table {
    /// Address by file name.
    addresses: BTreeMap<String, String>,
    /// File by the last part of its address.
    served: BTreeMap<String, Asset>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        addresses: BTreeMap::new(),
        served: BTreeMap::new(),
    };
    for name in Files::iter() {
        let Some(file) = Files::get(&name) else {
            continue;
        };
        let digest: String = file.metadata.sha256_hash()[..6]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
        let last = format!("{stem}.{digest}.{extension}");
        table
            .addresses
            .insert(name.to_string(), format!("{PREFIX}{last}"));
        let asset = Asset {
            media_type: media_type(extension),
            bytes: file.data.into_owned().into(),
            fixed: true,
        };
        // Pages that stand before the console name files as they are.
        let plain = Asset {
            fixed: false,
            ..asset.clone()
        };
        table.served.insert(name.to_string(), plain);
        table.served.insert(last, asset);
    }
    table
});

fn media_type(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Address of a file in `assets/`; of one that is not there, an address that is not found.
pub fn asset(name: &str) -> &'static str {
    TABLE
        .addresses
        .get(name)
        .map_or("/assets/missing", String::as_str)
}

/// The file at `/assets/LAST`.
pub fn served(last: &str) -> Option<&'static Asset> {
    TABLE.served.get(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_is_served_at_an_address_of_its_contents() {
        for name in [
            "console.css",
            "console.js",
            "board.js",
            "charts.js",
            "htmx.min.js",
            "sse.min.js",
            "uplot.min.js",
            "uplot.min.css",
            "icon.svg",
        ] {
            let address = asset(name);
            let last = address.strip_prefix(PREFIX).unwrap();
            let served = served(last).unwrap_or_else(|| panic!("{name} at {address}"));
            assert!(!served.bytes.is_empty());
            assert_ne!(served.media_type, "application/octet-stream", "{name}");
        }
        assert_eq!(asset("none.js"), "/assets/missing");
        assert!(served("missing").is_none());
        assert!(served("htmx.LICENSE").is_none());
        assert!(served("uplot.LICENSE").is_none());
    }

    #[test]
    fn no_script_evaluates_or_writes_markup_of_its_own() {
        for name in ["console.js", "board.js", "charts.js"] {
            let source = Files::get(name).unwrap();
            let source = std::str::from_utf8(&source.data).unwrap();
            for word in [
                "eval(",
                "new Function",
                "innerHTML",
                "insertAdjacentHTML",
                "document.write",
                ".style.",
            ] {
                assert!(!source.contains(word), "{name}: {word}");
            }
        }
    }
}
