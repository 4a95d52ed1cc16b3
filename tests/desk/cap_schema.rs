//! Whether a CAP message is valid: a small check by the schema of the standard, and `xmllint` beside it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::api_world::Answer;

const XSD: &str = include_str!("../data/feeds/cap/ibm/CAP-v1.2.xsd");

/// An element: its name, its text, what is inside.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) text: String,
    pub(super) inside: Vec<Element>,
}

pub(super) fn parse(text: &str) -> Element {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                let attributes = start.attributes().map(|it| {
                    let it = it.unwrap();
                    let key = it.key.as_ref().to_owned();
                    (key, it.value.to_string())
                });
                let attributes = attributes.collect();
                open.push(Element {
                    name,
                    attributes,
                    ..Element::default()
                });
            }
            Event::End(_) => {
                let done = open.pop().unwrap();
                open.last_mut().unwrap().inside.push(done);
            }
            Event::Text(text) => {
                let text: &str = &text;
                open.last_mut().unwrap().text.push_str(text);
            }
            Event::GeneralRef(name) => {
                let name: &str = &name;
                open.last_mut().unwrap().text.push_str(&format!("&{name};"));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    open.remove(0).inside.remove(0)
}

impl Element {
    pub(super) fn find(&self, name: &str) -> Option<&Element> {
        self.inside.iter().find(|it| it.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.inside.iter().filter(move |it| it.name == name)
    }
}

/// What the schema says of one element, as far as this schema goes: sequences of elements, enumerations and patterns.
fn check(schema: &Element, declared: &Element, found: &Element, wrong: &mut Vec<String>) {
    let simple = declared
        .find("simpleType")
        .and_then(|it| it.find("restriction"));
    if let Some(restriction) = simple {
        let values: Vec<_> = restriction
            .all("enumeration")
            .map(|it| &it.attributes["value"])
            .collect();
        if !values.is_empty() && !values.contains(&&found.text) {
            wrong.push(format!(
                "{}: {} is none of {values:?}",
                found.name, found.text
            ));
        }
        if let Some(pattern) = restriction.find("pattern") {
            let pattern = format!("^(?:{})$", pattern.attributes["value"]);
            if !regex::Regex::new(&pattern).unwrap().is_match(&found.text) {
                wrong.push(format!("{}: {} is not {pattern}", found.name, found.text));
            }
        }
        return;
    }
    let Some(sequence) = declared
        .find("complexType")
        .and_then(|it| it.find("sequence"))
    else {
        if !found.inside.is_empty() {
            wrong.push(format!("{} has elements inside", found.name));
        }
        return;
    };
    let mut left = found.inside.iter().peekable();
    for part in sequence.all("element") {
        let reference = part
            .attributes
            .get("ref")
            .map(|it| it.rsplit(':').next().unwrap());
        let part = reference.map_or(part, |name| {
            schema
                .all("element")
                .find(|it| it.attributes["name"] == name)
                .unwrap()
        });
        let (name, least) = (&part.attributes["name"], part.attributes.get("minOccurs"));
        let many = part
            .attributes
            .get("maxOccurs")
            .is_some_and(|it| it == "unbounded");
        let mut count = 0;
        while let Some(one) = left.next_if(|it| it.name == *name && (many || count == 0)) {
            check(schema, part, one, wrong);
            count += 1;
        }
        if count == 0 && least.is_none_or(|it| it != "0") {
            wrong.push(format!("{} has no {name}", found.name));
        }
    }
    for more in left {
        wrong.push(format!(
            "{} has {} where it may not be",
            found.name, more.name
        ));
    }
}

fn faults(text: &str) -> Vec<String> {
    let schema = parse(XSD);
    let alert = schema.find("element").unwrap();
    let (found, mut wrong) = (parse(text), Vec::new());
    assert_eq!(
        found.attributes["xmlns"],
        "urn:oasis:names:tc:emergency:cap:1.2"
    );
    check(&schema, alert, &found, &mut wrong);
    wrong
}

/// What `xmllint` says, where it is installed.
fn xmllint(text: &str) {
    let xsd = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/feeds/cap/ibm/CAP-v1.2.xsd"
    );
    let started = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", xsd, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else { return };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(
        done.status.success(),
        "{}\n{text}",
        String::from_utf8_lossy(&done.stderr)
    );
}

pub(super) fn valid(answer: &Answer) -> Element {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.headers["content-type"],
        "application/cap+xml; charset=utf-8"
    );
    assert_eq!(
        faults(&answer.text),
        Vec::<String>::new(),
        "{}",
        answer.text
    );
    xmllint(&answer.text);
    parse(&answer.text)
}

pub(super) fn text<'a>(alert: &'a Element, name: &str) -> &'a str {
    &alert.find(name).unwrap_or_else(|| panic!("no {name}")).text
}

#[test]
fn the_check_finds_what_is_wrong() {
    let good = "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>i</identifier><sender>s</sender>\
                <sent>2026-01-01T00:00:00-00:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope></alert>";
    assert_eq!(faults(good), Vec::<String>::new());
    for (from, to) in [
        ("-00:00</sent>", "Z</sent>"),
        ("Actual", "Drill"),
        ("<sender>s</sender>", ""),
        (
            "<scope>Public</scope>",
            "<scope>Public</scope><scope>Public</scope>",
        ),
        (
            "<status>Actual</status><msgType>Alert</msgType>",
            "<msgType>Alert</msgType><status>Actual</status>",
        ),
    ] {
        assert!(!faults(&good.replace(from, to)).is_empty(), "{to}");
    }
}
