//! The one target: the check that `TOCSIN_FUZZ` names, on any bytes. Started by `tests/fuzz/run`.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static CHECK: LazyLock<checks::Check> = LazyLock::new(|| {
    let name = std::env::var("TOCSIN_FUZZ").unwrap_or_default();
    let known: Vec<&str> = checks::ALL.iter().map(|(name, _)| *name).collect();
    let found = checks::ALL.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("TOCSIN_FUZZ is {name:?}, none of {known:?}")).1
});

fuzz_target!(|data: &[u8]| CHECK(data));
