//! Modifiers that make another value of a value: placeholders, dashes, encodings.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::modifier::Modifier;
use super::pattern::Pattern;

/// Values that one value may become.
pub(super) const MAX_VARIANTS: usize = 3_125;

/// Values by the name of their placeholder.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// Why a value cannot become what its modifiers ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A placeholder without values.
    Unknown(String),
    /// More than [`MAX_VARIANTS`].
    TooMany,
    /// Wildcards in what is to be encoded.
    Wildcards,
    /// Bytes that no text of an event can be.
    NoText,
}

enum State {
    Pattern(Pattern),
    Bytes(Vec<u8>),
}

/// A value through `expand`, `windash` and the encodings, in their order; several values are alternatives.
pub(super) fn apply(
    source: &str,
    modifiers: &[Modifier],
    placeholders: &Placeholders,
) -> Result<Vec<Pattern>, Problem> {
    let sources = if modifiers.contains(&Modifier::Expand) {
        expand(source, placeholders)?
    } else {
        vec![source.to_owned()]
    };
    let mut states: Vec<State> = sources
        .iter()
        .map(|s| State::Pattern(Pattern::parse(s)))
        .collect();
    for modifier in modifiers {
        let mut next = Vec::new();
        for state in states {
            one(state, *modifier, &mut next)?;
        }
        if next.len() > MAX_VARIANTS {
            return Err(Problem::TooMany);
        }
        states = next;
    }
    states
        .into_iter()
        .map(|state| match state {
            State::Pattern(pattern) => Ok(pattern),
            State::Bytes(bytes) => text_of(&bytes).map(|text| Pattern::literal(&text)),
        })
        .collect()
}

/// Bytes as the text of an event would have them; a byte order mark is that character.
fn text_of(bytes: &[u8]) -> Result<String, Problem> {
    let (mark, rest) = match bytes.strip_prefix(&[0xFF, 0xFE]) {
        Some(rest) => ("\u{feff}", rest),
        None => ("", bytes),
    };
    let text = std::str::from_utf8(rest).map_err(|_| Problem::NoText)?;
    Ok(format!("{mark}{text}"))
}

fn one(state: State, modifier: Modifier, next: &mut Vec<State>) -> Result<(), Problem> {
    match modifier {
        Modifier::Windash => next.push(match state {
            State::Pattern(pattern) => State::Pattern(pattern.windash()),
            bytes @ State::Bytes(_) => bytes,
        }),
        m if m.is_encoding() => {
            for bytes in bytes_of(state)? {
                encode(&bytes, modifier, next)?;
            }
        }
        _ => next.push(state),
    }
    Ok(())
}

fn bytes_of(state: State) -> Result<Vec<Vec<u8>>, Problem> {
    match state {
        State::Bytes(bytes) => Ok(vec![bytes]),
        State::Pattern(pattern) => {
            if 5usize.saturating_pow(pattern.dashes()) > MAX_VARIANTS {
                return Err(Problem::TooMany);
            }
            let bytes = |p: &Pattern| p.text().map(|t| t.as_bytes().to_vec());
            let all: Option<Vec<_>> = pattern.spelled().iter().map(bytes).collect();
            all.ok_or(Problem::Wildcards)
        }
    }
}

fn encode(bytes: &[u8], modifier: Modifier, next: &mut Vec<State>) -> Result<(), Problem> {
    let utf16 = |big: bool, mark: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| Problem::NoText)?;
        let units = text.encode_utf16();
        let pairs = units.flat_map(|u| {
            if big {
                u.to_be_bytes()
            } else {
                u.to_le_bytes()
            }
        });
        Ok(State::Bytes(mark.iter().copied().chain(pairs).collect()))
    };
    match modifier {
        Modifier::Wide | Modifier::Utf16Le => next.push(utf16(false, &[])?),
        Modifier::Utf16Be => next.push(utf16(true, &[])?),
        Modifier::Utf16 => next.push(utf16(false, &[0xFF, 0xFE])?),
        Modifier::Base64 => next.push(State::Pattern(Pattern::literal(&STANDARD.encode(bytes)))),
        Modifier::Base64Offset => {
            for offset in 0..3 {
                next.push(State::Pattern(Pattern::literal(&shifted(bytes, offset))));
            }
        }
        _ => {}
    }
    Ok(())
}

/// What is certain of the Base64 form of `bytes` when `offset` bytes (0 to 2) of a group of three stand before them: without the
/// characters that also encode bits of what stands before or behind.
fn shifted(bytes: &[u8], offset: usize) -> String {
    let mut padded = vec![b' '; offset];
    padded.extend_from_slice(bytes);
    let text = STANDARD.encode(&padded);
    let begin = [0, 2, 3][offset];
    // Characters at the end that are padding or share bits with what follows: none, `x==`, or `x=`.
    let cut = [0, 3, 2][padded.len() % 3];
    text.get(begin..text.len().saturating_sub(cut))
        .unwrap_or_default()
        .to_owned()
}

/// Fills in `%name%`; `\%` is a percent sign.
fn expand(source: &str, placeholders: &Placeholders) -> Result<Vec<String>, Problem> {
    let mut all = vec![String::new()];
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        if let Some(escaped) = rest.strip_prefix('\\') {
            let next = escaped.chars().next();
            let written = match next {
                Some('%') => "%".to_owned(),
                Some(c @ ('\\' | '*' | '?')) => format!("\\{c}"),
                _ => "\\".to_owned(),
            };
            all.iter_mut().for_each(|text| text.push_str(&written));
            let taken = usize::from(matches!(next, Some('%' | '\\' | '*' | '?')));
            rest = &escaped[taken..];
            continue;
        }
        if let Some((name, after)) = rest.strip_prefix('%').and_then(|r| r.split_once('%'))
            && !name.is_empty()
        {
            let values = placeholders
                .get(name)
                .filter(|values| !values.is_empty())
                .ok_or_else(|| Problem::Unknown(name.to_owned()))?;
            if all.len() * values.len() > MAX_VARIANTS {
                return Err(Problem::TooMany);
            }
            all = all
                .iter()
                .flat_map(|text| values.iter().map(move |value| format!("{text}{value}")))
                .collect();
            rest = after;
            continue;
        }
        all.iter_mut().for_each(|text| text.push(c));
        rest = &rest[c.len_utf8()..];
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Modifier::{Base64, Base64Offset, Expand, Utf16, Utf16Be, Wide, Windash};

    fn texts(source: &str, modifiers: &[Modifier]) -> Result<Vec<String>, Problem> {
        let placeholders =
            Placeholders::from([("dc".to_owned(), vec!["a".to_owned(), "b*".to_owned()])]);
        let all = apply(source, modifiers, &placeholders)?;
        Ok(all
            .iter()
            .map(|p| p.text().unwrap_or("(pattern)").to_owned())
            .collect())
    }

    #[test]
    fn encodings() {
        assert_eq!(texts("foo", &[Base64]), Ok(vec!["Zm9v".into()]));
        assert_eq!(texts("cmd", &[Wide]), Ok(vec!["c\0m\0d\0".into()]));
        assert_eq!(texts("cmd", &[Utf16Be]), Ok(vec!["\0c\0m\0d".into()]));
        assert_eq!(texts("cmd", &[Utf16]), Ok(vec!["\u{feff}c\0m\0d\0".into()]));
        assert_eq!(
            texts("cmd", &[Utf16, Base64]),
            Ok(vec!["//5jAG0AZAA=".into()])
        );
        assert_eq!(
            texts("火", &[Wide]),
            Ok(vec![String::from_utf8(vec![0x6b, 0x70]).unwrap()])
        );
        assert_eq!(texts("é", &[Wide]), Err(Problem::NoText));
        assert_eq!(texts("a*", &[Base64]), Err(Problem::Wildcards));
        assert_eq!(texts(r"a\*", &[Base64]), Ok(vec!["YSo=".into()]));
    }

    #[test]
    fn offsets_find_the_value_wherever_it_stands() {
        for value in ["/bin/bash", "ab", "abc", "http://"] {
            let variants = texts(value, &[Base64Offset]).unwrap();
            for before in 0..7 {
                for after in 0..4 {
                    let text = format!(
                        "{}{value}{}",
                        "ÿ~x!y?z".chars().take(before).collect::<String>(),
                        "?}x~".split_at(after).0
                    );
                    let encoded = STANDARD.encode(text);
                    assert!(
                        variants.iter().any(|v| encoded.contains(v)),
                        "{value} {before} {after}"
                    );
                }
            }
        }
    }

    #[test]
    fn placeholders_and_dashes() {
        assert_eq!(
            texts(r"x%dc%\%y%", &[Expand]),
            Ok(vec!["xa%y%".into(), "(pattern)".into()])
        );
        assert_eq!(
            texts("%gone%", &[Expand]),
            Err(Problem::Unknown("gone".into()))
        );
        assert_eq!(texts("%%", &[Expand]), Ok(vec!["%%".into()]));
        assert_eq!(texts("-a", &[Windash, Base64]).unwrap().len(), 5);
        assert_eq!(texts("------a", &[Windash, Base64]), Err(Problem::TooMany));
    }
}
