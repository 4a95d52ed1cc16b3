//! A new scenario to start from: the template, or another scenario under an id of its own.
//!
//! Invariant: the template that is written here passes its own check with the bundled configuration.

use crate::core::diagnostic::SourceFile;

const TEMPLATE: &str = include_str!("template.yml");
/// The template's id.
const TEMPLATE_ID: &str = "my-drill";
/// Longest id that is made from a text, characters.
const MAX_ID: usize = 40;

/// The text of a new scenario of that id: the template, or what `from` says.
pub fn new_scenario(id: &str, from: Option<&SourceFile>) -> String {
    let Some(from) = from else {
        return TEMPLATE.replace(TEMPLATE_ID, id);
    };
    let mut renamed = false;
    let lines = from.text.lines().map(|line| {
        if renamed || !line.starts_with("id:") {
            return line.to_owned();
        }
        renamed = true;
        match line.find(" #") {
            Some(comment) => format!("id: {id} {}", line[comment..].trim_start()),
            None => format!("id: {id}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// An id made from a text, such as a file's name; none when nothing of the text can be in one.
pub fn scenario_id(text: &str) -> Option<String> {
    let fits = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let text: String = text.chars().map(fits).take(MAX_ID).collect();
    let text = text.trim_matches('-');
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::drill::parse_scenario;
    use crate::drill::{shipped_scenario, shipped_scenarios};

    #[test]
    fn every_scenario_can_be_started_from_under_another_id() {
        let mut sources: Vec<_> = shipped_scenarios()
            .iter()
            .map(|name| shipped_scenario(name))
            .collect();
        assert_eq!(sources.len(), 6);
        sources.push(None);
        for from in sources {
            let text = new_scenario("night-shift", from.as_ref());
            let file = SourceFile {
                name: "night-shift.yml".to_owned(),
                text,
            };
            let (read, findings) = parse_scenario(&file);
            assert_eq!(findings, [], "{}", file.text);
            assert_eq!(read.unwrap().id, "night-shift");
            let before = from.map(|it| it.text.lines().count());
            assert!(before.is_none_or(|lines| lines == file.text.lines().count()));
        }
    }

    #[test]
    fn a_comment_beside_the_id_stays() {
        let from = SourceFile {
            name: String::new(),
            text: "# id: not this\nid: old   # why\ntexts: {id: x}\n".to_owned(),
        };
        assert_eq!(
            new_scenario("new", Some(&from)),
            "# id: not this\nid: new # why\ntexts: {id: x}\n"
        );
    }

    #[test]
    fn an_id_is_made_of_what_can_be_in_one() {
        for (text, id) in [
            ("School fire", Some("school-fire")),
            ("--a--", Some("a")),
            ("演练", None),
            ("", None),
        ] {
            assert_eq!(scenario_id(text).as_deref(), id, "{text}");
        }
    }
}
