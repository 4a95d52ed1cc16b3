//! What holds of any bytes that reach a reader: it says what is wrong with them or reads them, and keeps its promises.
//!
//! Shared by the fuzz target and by the test over the stored seeds.

mod files;
mod records;
mod state;

use tocsin::core::model::DecoderKind;

/// A check; panics where it does not hold.
pub(super) type Check = fn(&[u8]);

/// Every check by name.
pub(super) const ALL: &[(&str, Check)] = &[
    ("tocsin", |data| records::decode(DecoderKind::Tocsin, data)),
    ("mapped", |data| records::decode(DecoderKind::Mapped, data)),
    ("cloudevents", |data| {
        records::decode(DecoderKind::CloudEvents, data);
    }),
    ("cap", |data| records::decode(DecoderKind::Cap, data)),
    ("open311", |data| {
        records::decode(DecoderKind::Open311, data);
    }),
    ("geojson", |data| {
        records::decode(DecoderKind::GeoJson, data);
    }),
    ("rss", |data| records::decode(DecoderKind::Rss, data)),
    ("masking", records::masking),
    ("normal", records::normal),
    ("numbers", records::numbers),
    ("mention", records::mention),
    ("detect", records::detect),
    ("rule", |data| files::rule_file("rule.yml", data)),
    ("condition", files::condition),
    ("lexicon", |data| files::rule_file("lexicon.yml", data)),
    ("departments", |data| {
        files::rule_file("departments.yaml", data);
    }),
    ("cases", files::cases),
    ("tree", files::tree),
    ("places", files::places),
    ("configuration", files::configuration),
    ("letter", state::letter),
    ("changelog", state::changelog),
    ("detection", state::detection),
];
