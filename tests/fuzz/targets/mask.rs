//! Any text: masking keeps the number of code points, changes characters only to the mask, and is done after one pass.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tocsin::core::mask::{MASK, mask};

fuzz_target!(|text: &str| {
    let once = mask(text.into());
    assert_eq!(once.chars().count(), text.chars().count());
    assert!(text.chars().zip(once.chars()).all(|(before, after)| before == after || after == MASK));
    assert_eq!(mask(once.as_ref().into()), once);
});
