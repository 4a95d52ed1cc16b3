//! Rebuilds when a bundled file is added or removed: the compiler tracks only those embedded before.

fn main() {
    println!("cargo:rerun-if-changed=config");
}
