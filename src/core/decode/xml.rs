//! XML as a small tree: elements, attributes, text.
//!
//! Invariants: a document type declaration is refused before anything in it is looked at, no reference but the five of XML
//! and characters by number is resolved, nothing is fetched, and depth and namespace declarations are bounded.

mod builder;

use std::borrow::Cow;
use std::sync::Arc;

use builder::Builder;
use quick_xml::Reader;

use crate::core::model::{Refusal, RefusalCode};

/// Namespace declarations in force at once.
const MAX_NAMESPACES: usize = 128;

type Read<T> = Result<T, Refusal>;

/// An element.
#[derive(Clone, Debug, Default)]
pub(super) struct Element<'a> {
    /// Byte at which its tag begins.
    pub(super) start: usize,
    /// Prefix as written, or empty.
    pub(super) prefix: String,
    /// Local name.
    pub(super) name: String,
    /// Namespace, where declared.
    pub(super) namespace: Arc<str>,
    /// Local names and values.
    pub(super) attributes: Vec<(String, String)>,
    /// Character data directly inside, joined.
    pub(super) text: Cow<'a, str>,
    pub(super) children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// First child of that local name.
    pub(super) fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Children of that local name.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Trimmed text of the first child of that name, unless it is empty.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name)?.words()
    }

    /// Trimmed text, unless it is empty.
    pub(super) fn words(&self) -> Option<&str> {
        let text = self.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Attribute of that local name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn add_text(&mut self, text: Cow<'a, str>) {
        if self.text.is_empty() {
            self.text = text;
        } else {
            self.text.to_mut().push_str(&text);
        }
    }
}

/// Whether `bytes` start as an XML document does.
pub(super) fn looks_like_xml(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    bytes.starts_with(b"\xFF\xFE")
        || bytes.starts_with(b"\xFE\xFF")
        || bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The document's text: UTF-8, or what its byte order mark or declaration says.
pub(super) fn text(bytes: &[u8]) -> Read<Cow<'_, str>> {
    let (encoding, bytes) = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => (declared(bytes)?, bytes),
    };
    if encoding == encoding_rs::UTF_8 {
        return match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(error) => Err(
                Refusal::decode(RefusalCode::NotUtf8, "the bytes are not UTF-8")
                    .at(error.valid_up_to()),
            ),
        };
    }
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        let message = format!(
            "the bytes are not {}, as the declaration says",
            encoding.name()
        );
        return Err(Refusal::decode(RefusalCode::NotUtf8, message));
    }
    Ok(text)
}

/// Encoding that the XML declaration names; UTF-8 without one.
fn declared(bytes: &[u8]) -> Read<&'static encoding_rs::Encoding> {
    let head = &bytes[..bytes.len().min(200)];
    let Some(start) = memchr::memmem::find(head, b"<?xml") else {
        return Ok(encoding_rs::UTF_8);
    };
    let head = &head[start..];
    let head = &head[..memchr::memmem::find(head, b"?>").unwrap_or(head.len())];
    let Some(at) = memchr::memmem::find(head, b"encoding") else {
        return Ok(encoding_rs::UTF_8);
    };
    let mut quoted = head[at..].split(|byte| matches!(byte, b'"' | b'\''));
    let label = quoted.nth(1).unwrap_or_default();
    match encoding_rs::Encoding::for_label(label) {
        // A declaration that could be read byte by byte is no UTF-16, whatever it says.
        Some(encoding)
            if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE =>
        {
            Ok(encoding_rs::UTF_8)
        }
        Some(encoding) => Ok(encoding),
        None => Err(Refusal::decode(
            RefusalCode::NotUtf8,
            "the XML declaration names an unknown encoding",
        )),
    }
}

/// Reads a document to its root element.
pub(super) fn parse(text: &str) -> Read<Element<'_>> {
    let mut reader = Reader::from_str(text);
    let mut builder = Builder::default();
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader
            .read_event()
            .map_err(|error| syntax(&error, reader.error_position() as usize))?;
        let done = builder
            .event(event, start)
            .map_err(|refusal| refusal.at(start))?;
        if done {
            break;
        }
    }
    builder.root.ok_or_else(|| {
        Refusal::decode(
            RefusalCode::WrongFormat,
            "this is not XML: there is no element",
        )
        .at(0)
    })
}

/// The library's words without the names of tags, which it quotes: they are the sender's.
fn syntax(error: &quick_xml::Error, at: usize) -> Refusal {
    let words = error.to_string();
    let kept: String = words.split('`').step_by(2).collect::<Vec<_>>().join("`…`");
    let kept: String = kept.chars().filter(|c| !c.is_control()).take(200).collect();
    let message = format!("not well-formed XML: {kept}");
    Refusal::decode(RefusalCode::Syntax, message).at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> RefusalCode {
        parse(text).unwrap_err().code
    }

    #[test]
    fn reads_text_references_and_namespaces() {
        let root = parse("<a:x xmlns:a='urn:a' k='1 &lt; 2'>A&amp;<![CDATA[<b>]]>&#x4e2d;<y xmlns='urn:y'> t </y></a:x>").unwrap();
        assert_eq!(
            (root.prefix.as_str(), root.name.as_str(), &*root.namespace),
            ("a", "x", "urn:a")
        );
        assert_eq!(root.text, "A&<b>中");
        assert_eq!(root.attribute("k"), Some("1 < 2"));
        assert_eq!(root.text_of("y"), Some("t"));
        assert_eq!(&*root.child("y").unwrap().namespace, "urn:y");
    }

    #[test]
    fn hostile_documents_have_codes() {
        let bomb = "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><l>&b;</l>";
        assert_eq!(code(bomb), RefusalCode::Entity);
        assert_eq!(code("<l>&b;</l>"), RefusalCode::Entity);
        assert_eq!(code("<l k='&b;'/>"), RefusalCode::Entity);
        assert_eq!(code(&"<a>".repeat(100_000)), RefusalCode::TooDeep);
        let names: String = (0..1000).map(|n| format!(" xmlns:n{n}='u'")).collect();
        assert_eq!(code(&format!("<a{names}/>")), RefusalCode::TooDeep);
        for bad in [
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "</a>",
            "<a/>x",
            "<a",
            "<a b=1/>",
            "<a>&#0;</a>",
        ] {
            assert_eq!(code(bad), RefusalCode::Syntax, "{bad}");
        }
        let named = parse("<a></\u{1b}[31m13800138000>").unwrap_err();
        assert!(
            !named.message.contains("138") && !named.message.contains('\u{1b}'),
            "{}",
            named.message
        );
        for other in ["", "{}", "  "] {
            assert_eq!(code(other), RefusalCode::WrongFormat, "{other}");
        }
    }

    #[test]
    fn encodings_are_believed_and_checked() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>Usulut\xE1n</a>";
        assert_eq!(parse(&text(latin).unwrap()).unwrap().text, "Usulután");
        let gbk = b"<?xml version=\"1.0\" encoding=\"GB2312\"?><a>\xB5\xD8\xD5\xF0</a>";
        assert_eq!(parse(&text(gbk).unwrap()).unwrap().text, "地震");
        assert_eq!(text(b"<a>\xFF</a>").unwrap_err().code, RefusalCode::NotUtf8);
        assert_eq!(
            text(b"<?xml version='1.0' encoding='klingon'?><a/>")
                .unwrap_err()
                .code,
            RefusalCode::NotUtf8
        );
        let wide: Vec<u8> = "\u{FEFF}<a>x</a>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(parse(&text(&wide).unwrap()).unwrap().text, "x");
    }
}
