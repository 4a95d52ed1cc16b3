//! Any bytes as a CloudEvent, structured and binary.
#![no_main]

mod feeds;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use smallvec::smallvec;
use tocsin::core::decode::Decoder;
use tocsin::core::model::{DecoderKind, Millis, RawRecord};

static DECODERS: OnceLock<Vec<Decoder>> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    feeds::run(&DECODERS, &[DecoderKind::CloudEvents], data);
    let mut record = RawRecord::new(data, Millis(0));
    record.headers = smallvec![
        ("ce_specversion", &b"1.0"[..]),
        ("ce_id", &data[..data.len().min(40)]),
        ("ce_source", &b"fuzz"[..]),
        ("ce_type", &b"fuzz"[..]),
    ];
    for decoder in DECODERS.get().into_iter().flatten() {
        if let Ok(report) = decoder.decode(&record) {
            feeds::promises(&report);
        }
    }
});
