//! YAML nodes as JSON values, as a reader of the file understands them.

use serde_json::{Map, Value};

use crate::core::yaml::{Data, Node};

/// The JSON value of a node: unquoted scalars may be numbers, `true`, `false` and `null`.
pub(crate) fn json(node: &Node) -> Value {
    match &node.data {
        Data::List(items) => Value::Array(items.iter().map(json).collect()),
        Data::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| (key.text.clone(), json(value)))
                .collect::<Map<_, _>>(),
        ),
        Data::Scalar { .. } if node.is_null() => Value::Null,
        Data::Scalar { text, plain: false } => Value::String(text.clone()),
        Data::Scalar { text, .. } => node
            .bool()
            .map(Value::Bool)
            .or_else(|| text.parse::<i64>().ok().map(Value::from))
            .or_else(|| {
                text.parse::<f64>()
                    .ok()
                    .filter(|n| n.is_finite())
                    .map(Value::from)
            })
            .unwrap_or_else(|| Value::String(text.clone())),
    }
}

/// `90s`, `5m`, `2h`, `1d`, `1h30m`, `0` → milliseconds.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0_i64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let units = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(units);
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = tail;
    }
    (!text.trim().is_empty()).then_some(sum)
}

/// Milliseconds as people write them: `1h30m`.
pub(crate) fn duration_text(mut ms: i64) -> String {
    let mut text = String::new();
    for (unit, length) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ] {
        if ms >= length {
            text.push_str(&format!("{}{unit}", ms / length));
            ms %= length;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        for (text, ms) in [
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("250ms", 250),
        ] {
            assert_eq!(duration(text), Some(ms));
            assert_eq!(duration(&duration_text(ms)), Some(ms));
        }
        for text in ["", "5", "m", "5x", "-1m", "1m ago"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
