//! Lexing of numbers, held against the slow form.

use proptest::prelude::*;

use super::*;

/// The same character by character, without the table.
fn slowly(text: &str) -> Template {
    let mut template = Template::default();
    let mut at = 0;
    let mut before = ' ';
    while let Some(c) = text[at..].chars().next() {
        let token = if c.is_ascii_digit() {
            digits(text, at, before)
        } else if c.is_ascii_lowercase() && !before.is_alphanumeric() {
            words(text, at)
        } else if counts(c) {
            numeral(text, at)
        } else {
            None
        };
        if let Some((value, length)) = token {
            template.push(value);
            at += length;
            before = '0';
        } else {
            template
                .text
                .push(if c == NUMBER || c == OTHER { ' ' } else { c });
            at += c.len_utf8();
            before = c;
        }
    }
    template
}

proptest! {
    #[test]
    fn the_table_skips_no_number(text in "([0-9]{1,3}|[一两十百万第数年 ]|[a-z]{1,3}|(one|two|a|several|dozen|tens of|hundred|million)[ -]|[ .,:/#¤’é㎡🔥·-]|\\PC){0,24}") {
        let (quick, slow) = (Template::of(&text), slowly(&text));
        prop_assert_eq!(quick.text, slow.text);
        prop_assert_eq!(quick.values, slow.values);
    }
}

#[test]
fn templates() {
    for (text, template, values) in [
        (
            "造成3人死亡,12人受伤",
            "造成#人死亡,#人受伤",
            vec![3.0, 12.0],
        ),
        ("1.2万人", "#人", vec![12_000.0]),
        ("两百三十五人", "#人", vec![235.0]),
        ("震源深度10千米", "震源深度#千米", vec![10.0]),
        (
            "数百人, 上百人, 数十人",
            "数#人, 上#人, 数#人",
            vec![200.0, 100.0, 20.0],
        ),
        (
            "3-5人, 3至5人, 三四人",
            "#人, #人, #人",
            vec![3.0, 3.0, 3.0],
        ),
        ("up to 3-5 people", "up to # people", vec![5.0]),
        ("1,234 dead, 5 million", "# dead, #", vec![1234.0, 5e6]),
        ("2013-04-20 08:02 4/20 1st", "¤ ¤ ¤ ¤st", vec![]),
        ("in 2008 killed 3", "in ¤ killed #", vec![3.0]),
        ("2008 people", "# people", vec![2008.0]),
        ("二〇〇八年五月十二日", "¤年¤月¤日", vec![]),
        ("no one was hurt", "no ¤ was hurt", vec![]),
        ("m5.6 a320 $5", "m# a¤ $¤", vec![5.6]),
        (
            "twenty-five people, two or three",
            "# people, #",
            vec![25.0, 2.0],
        ),
        ("#7", " #", vec![7.0]),
    ] {
        let made = Template::of(text);
        assert_eq!(made.text, template, "{text}");
        let found: Vec<_> = made.values.iter().map(|value| value.1).collect();
        assert_eq!(found, values, "{text}");
    }
}
