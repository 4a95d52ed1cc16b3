//! Text that is put into XML or HTML.
//!
//! Invariant: what comes out is well-formed in an element and in an attribute of either quotation mark, whatever goes in.

/// Text of an element or an attribute. Characters that XML 1.0 forbids become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use quick_xml::events::Event;

    use super::*;

    #[test]
    fn whatever_goes_in_a_parser_reads_it_again() {
        let all: String = (0..=0x2fff_u32)
            .chain([0xfffd, 0xfffe, 0xffff, 0x1f525])
            .filter_map(char::from_u32)
            .collect();
        let expected: String = all
            .chars()
            .map(|c| match c {
                '\n' | '\t' => c,
                '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                c if c.is_control() => '\u{fffd}',
                c => c,
            })
            .collect();
        let text = format!("<a b=\"{0}\" c='{0}'>{0}</a>", escape(&all));
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut read = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    assert_eq!(start.attributes().map(Result::unwrap).count(), 2);
                }
                Event::Text(part) => read.push_str(&part.into_inner()),
                Event::GeneralRef(part) => {
                    let name: &str = &part;
                    let text = format!("&{name};");
                    read.push_str(&quick_xml::escape::unescape(&text).unwrap());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(read, expected);
    }
}
