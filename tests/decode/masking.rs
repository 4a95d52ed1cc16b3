//! The golden list of what is masked, and what masking always keeps.

use proptest::prelude::*;
use tocsin::core::mask::{MASK, mask};

use super::support::data;

#[test]
fn golden_list() {
    let list = std::fs::read_to_string(data("golden").join("mask.txt")).unwrap();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for line in list
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (text, expected) = line
            .split_once(" => ")
            .unwrap_or_else(|| panic!("no arrow: {line}"));
        let expected = if expected == "=" { text } else { expected };
        let masked = mask(text.into());
        if masked != expected {
            wrong.push(format!(
                "{text:?}\n  became {masked:?}\n  not    {expected:?}"
            ));
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 60, "{checked}");
}

proptest! {
    #[test]
    fn one_code_point_for_one(text in r"[\PC]{0,80}|[0-9 +()@.a-z张三１２＠-]{0,80}|([0-9]{1,11}[-. (]{0,2}){0,8}") {
        let masked = mask(text.as_str().into());
        prop_assert_eq!(masked.chars().count(), text.chars().count());
        for (before, after) in text.chars().zip(masked.chars()) {
            prop_assert!(after == before || after == MASK);
        }
    }

    #[test]
    fn masked_text_has_nothing_left_to_mask(text in r"[\PC]{0,80}|[0-9 +()@.a-z张三１２＠-]{0,80}|([0-9]{1,11}[-. (]{0,2}){0,8}") {
        let once = mask(text.as_str().into()).into_owned();
        let twice = mask(once.as_str().into()).into_owned();
        prop_assert_eq!(&twice, &once);
    }
}

/// What stands beside a number that is masked may be one itself then, and so on.
#[test]
fn masked_text_has_nothing_left_to_mask_however_it_hangs_together() {
    for piece in [
        "4155550123.",
        "0123-",
        "12.",
        "2016-",
        "555-0123 ",
        "00123 ",
        "13800138000.",
    ] {
        for count in [1, 3, 20, 300] {
            for text in [
                format!("{}13800138000", piece.repeat(count)),
                format!("13800138000{}4", piece.repeat(count)),
                format!("{piece}13800138000.").repeat(count),
            ] {
                let once = mask(text.as_str().into());
                assert_eq!(mask(once.as_ref().into()), once, "{piece} {count}");
            }
        }
    }
}
