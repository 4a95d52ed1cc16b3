//! The fuzz checks on their stored seeds and on a few hundred broken forms of each: what was found once stays found.
//!
//! Deterministic: the forms come from a fixed sequence, `TOCSIN_FUZZ_FORMS` of them for each check.

#[path = "fuzz/checks/mod.rs"]
mod checks;

use std::path::{Path, PathBuf};

/// Broken forms of all seeds of a check together, unless `TOCSIN_FUZZ_FORMS` says how many.
const FORMS: usize = 150;
/// Largest seed that is broken, in bytes: the larger ones run as they are.
const LARGEST: usize = 4096;

fn seeds(check: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(check);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

/// Marsaglia's xorshift: enough to break things with.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn broken(seed: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let length = dice.below(12);
        match dice.below(5) {
            0 if at < bytes.len() => bytes[at] = dice.below(256) as u8,
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..(at + length).min(bytes.len()))),
            3 => {
                let piece: Vec<u8> = other
                    .iter()
                    .skip(dice.below(other.len()))
                    .take(length)
                    .copied()
                    .collect();
                bytes.splice(at..at, piece);
            }
            _ => {
                let piece: Vec<u8> = bytes[at..].iter().take(length).copied().collect();
                let piece = piece.repeat(1 + dice.below(40));
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn every_check_holds_on_its_seeds() {
    let forms = std::env::var("TOCSIN_FUZZ_FORMS").ok();
    let forms = forms.map_or(FORMS, |forms| forms.parse().expect("a number of forms"));
    for (name, check) in checks::ALL {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in &seeds {
            check(seed);
        }
        let small: Vec<&Vec<u8>> = seeds.iter().filter(|seed| seed.len() <= LARGEST).collect();
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        for round in 0..if small.is_empty() { 0 } else { forms } {
            let other = small[dice.below(small.len())];
            check(&broken(small[round % small.len()], other, &mut dice));
        }
    }
}
