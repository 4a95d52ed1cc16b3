//! Events of the reader → the tree.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::escape::{self, EscapeError};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{Element, MAX_NAMESPACES, Read};
use crate::core::decode::json::MAX_DEPTH;
use crate::core::model::{Refusal, RefusalCode};

#[derive(Default)]
pub(super) struct Builder<'a> {
    open: Vec<Element<'a>>,
    pub(super) root: Option<Element<'a>>,
    /// (depth, prefix, namespace), innermost last.
    namespaces: Vec<(usize, String, Arc<str>)>,
}

impl<'a> Builder<'a> {
    /// Takes one event, which begins at this byte; true at the end of the document.
    pub(super) fn event(&mut self, event: Event<'a>, start: usize) -> Read<bool> {
        match event {
            Event::Start(tag) => {
                let element = self.element(&tag, start)?;
                self.open.push(element);
            }
            Event::Empty(tag) => {
                let element = self.element(&tag, start)?;
                self.open.push(element);
                self.close()?;
            }
            Event::End(_) => self.close()?,
            Event::Text(text) => self.text(text.into_inner())?,
            Event::CData(text) => self.text(text.into_inner())?,
            Event::GeneralRef(reference) => {
                let c = resolve(&reference)?;
                self.text(Cow::Owned(c.to_string()))?;
            }
            Event::DocType(_) => {
                return Err(Refusal::decode(
                    RefusalCode::Entity,
                    "the document has a document type declaration",
                ));
            }
            Event::Eof if !self.open.is_empty() => {
                return Err(Refusal::decode(
                    RefusalCode::Syntax,
                    "the XML ends inside an element",
                ));
            }
            Event::Eof => return Ok(true),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
        Ok(false)
    }

    fn text(&mut self, text: Cow<'a, str>) -> Read<()> {
        match self.open.last_mut() {
            Some(element) => element.add_text(text),
            None if text
                .trim_matches(['\u{FEFF}', ' ', '\t', '\r', '\n'])
                .is_empty() => {}
            None if self.root.is_none() => {
                return Err(Refusal::decode(
                    RefusalCode::WrongFormat,
                    "this is not XML: it does not begin with an element",
                ));
            }
            None => {
                return Err(Refusal::decode(
                    RefusalCode::Syntax,
                    "text after the end of the document",
                ));
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Read<()> {
        let Some(element) = self.open.pop() else {
            return Err(Refusal::decode(
                RefusalCode::Syntax,
                "an end tag without a start",
            ));
        };
        let depth = self.open.len();
        while self
            .namespaces
            .last()
            .is_some_and(|(declared, _, _)| *declared > depth)
        {
            self.namespaces.pop();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn element(&mut self, tag: &BytesStart<'a>, start: usize) -> Read<Element<'a>> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Refusal::decode(
                RefusalCode::TooDeep,
                "the XML is nested too deeply",
            ));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(Refusal::decode(
                RefusalCode::Syntax,
                "a second root element",
            ));
        }
        let depth = self.open.len() + 1;
        let mut attributes = Vec::new();
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| {
                Refusal::decode(RefusalCode::Syntax, "an attribute is not well-formed")
            })?;
            let value = escape::unescape(&attribute.value)
                .map_err(|error| entity(&error))?
                .into_owned();
            let (prefix, local) = split(attribute.key.0);
            if attribute.key.0 == "xmlns" || prefix == "xmlns" {
                if self.namespaces.len() >= MAX_NAMESPACES {
                    return Err(Refusal::decode(
                        RefusalCode::TooDeep,
                        "too many namespace declarations",
                    ));
                }
                let declared = if prefix.is_empty() { "" } else { local };
                self.namespaces
                    .push((depth, declared.to_owned(), value.into()));
            } else {
                attributes.push((local.to_owned(), value));
            }
        }
        let (prefix, name) = split(tag.name().0);
        let known = self
            .namespaces
            .iter()
            .rev()
            .find(|(_, declared, _)| declared == prefix);
        Ok(Element {
            start,
            prefix: prefix.to_owned(),
            name: name.to_owned(),
            namespace: known
                .map(|(_, _, namespace)| Arc::clone(namespace))
                .unwrap_or_default(),
            attributes,
            ..Element::default()
        })
    }
}

/// Prefix, or nothing, and local name.
fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

/// The character that a reference stands for: by number, or one of the five that XML knows.
fn resolve(reference: &BytesRef<'_>) -> Read<char> {
    if reference.is_char_ref() {
        return match reference.resolve_char_ref() {
            Ok(Some(c)) => Ok(c),
            _ => Err(Refusal::decode(
                RefusalCode::Syntax,
                "a character reference that is no character",
            )),
        };
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Refusal::decode(
            RefusalCode::Entity,
            "a reference to an entity that XML does not know",
        )),
    }
}

fn entity(error: &EscapeError) -> Refusal {
    match error {
        EscapeError::UnrecognizedEntity(..) => Refusal::decode(
            RefusalCode::Entity,
            "a reference to an entity that XML does not know",
        ),
        _ => Refusal::decode(RefusalCode::Syntax, "a reference that is not well-formed"),
    }
}
