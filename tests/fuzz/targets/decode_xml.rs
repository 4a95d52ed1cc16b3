//! Any bytes, through every decoder of XML.
#![no_main]

mod feeds;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tocsin::core::decode::Decoder;
use tocsin::core::model::DecoderKind;

static DECODERS: OnceLock<Vec<Decoder>> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    feeds::run(&DECODERS, &[DecoderKind::Cap, DecoderKind::Rss, DecoderKind::Open311], data);
});
