//! A condition's text → its words, each with its place in the file.

use crate::core::yaml::{At, Lines};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    Word(&'t str),
}

/// Places the tokens where they stand in the file; the place behind the last one. None where the file writes them otherwise.
pub(super) fn place(tokens: &mut [(Token<'_>, At)], lines: &Lines) -> Option<At> {
    let (mut here, mut rest) = (lines.from, &*lines.text);
    let go = |here: &mut At, over: &str| {
        for c in over.chars() {
            (here.line, here.column) = match c {
                '\n' => (here.line + 1, 1),
                _ => (here.line, here.column + 1),
            };
        }
    };
    for (token, at) in tokens {
        let word = match token {
            Token::Open => "(",
            Token::Close => ")",
            Token::Word(word) => word,
        };
        let after = rest.trim_start();
        go(&mut here, &rest[..rest.len() - after.len()]);
        rest = after.strip_prefix(word)?;
        *at = At {
            length: word.chars().count(),
            ..here
        };
        go(&mut here, word);
    }
    here.length = 1;
    Some(here)
}

pub(super) fn tokens(text: &str, begin: At) -> Vec<(Token<'_>, At)> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().enumerate().peekable();
    while let Some((column, (at, c))) = chars.next() {
        let place = |length| At {
            line: begin.line,
            column: begin.column + column,
            length,
        };
        match c {
            '|' => tokens.push((Token::Word("|"), place(1))),
            '(' => tokens.push((Token::Open, place(1))),
            ')' => tokens.push((Token::Close, place(1))),
            c if c.is_whitespace() => {}
            _ => {
                let mut end = at + c.len_utf8();
                let mut length = 1;
                while let Some((_, (next, c))) =
                    chars.next_if(|(_, (_, c))| !c.is_whitespace() && !"()|".contains(*c))
                {
                    end = next + c.len_utf8();
                    length += 1;
                }
                tokens.push((Token::Word(&text[at..end]), place(length)));
            }
        }
    }
    tokens
}
