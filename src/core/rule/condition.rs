//! The condition grammar: `or` < `and` < `not` < `( )`, selection names, `1 of x*`, `all of x*`, `… of them`.

use super::ast::Condition;
use super::codes;
use crate::core::yaml::{At, Data, Findings, Node};

/// Deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    Word(&'t str),
}

struct Reader<'t, 'f, 'n> {
    tokens: Vec<(Token<'t>, At)>,
    next: usize,
    selections: &'t [&'t str],
    used: &'t mut [bool],
    findings: &'f mut Findings<'n>,
    end: At,
}

/// Reads a condition over selections of these names; marks the selections that it names in `used`. None after a finding.
pub(super) fn parse(
    node: &Node,
    selections: &[&str],
    used: &mut [bool],
    findings: &mut Findings<'_>,
) -> Option<Condition> {
    let Data::Scalar { text, plain } = &node.data else {
        findings.error(
            codes::BAD_CONDITION,
            node.at,
            format!("a condition is text, not {}", node.kind()),
        );
        return None;
    };
    let begin = At {
        column: node.at.column + usize::from(!plain),
        ..node.at
    };
    let tokens = tokens(text, begin);
    let end = At {
        column: begin.column + text.chars().count(),
        length: 1,
        ..begin
    };
    let mut reader = Reader {
        tokens,
        next: 0,
        selections,
        used,
        findings,
        end,
    };
    let condition = reader.or(0)?;
    if let Some((token, at)) = reader.tokens.get(reader.next) {
        if let Token::Word(word) = token
            && reader.aggregates(word)
        {
            return reader.aggregation(*at);
        }
        let what = match token {
            Token::Close => "`)` without `(`".to_owned(),
            Token::Open => "`(` where `and` or `or` is expected".to_owned(),
            Token::Word(word) => format!("`{word}` where `and` or `or` is expected"),
        };
        reader.findings.error(codes::BAD_CONDITION, *at, what);
        return None;
    }
    Some(condition)
}

fn tokens(text: &str, begin: At) -> Vec<(Token<'_>, At)> {
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

impl<'t> Reader<'t, '_, '_> {
    fn word(&self) -> Option<&'t str> {
        match self.tokens.get(self.next) {
            Some((Token::Word(word), _)) => Some(word),
            _ => None,
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.word().is_some_and(|w| w.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn at(&self) -> At {
        self.tokens.get(self.next).map_or(self.end, |(_, at)| *at)
    }

    fn fail<T>(&mut self, at: At, message: impl Into<String>) -> Option<T> {
        self.findings.error(codes::BAD_CONDITION, at, message);
        None
    }

    /// `|` and what stood behind it in Sigma 1, where no selection has that name.
    fn aggregates(&self, word: &str) -> bool {
        word == "|" || (word == "near" && !self.selections.contains(&word))
    }

    fn aggregation<T>(&mut self, at: At) -> Option<T> {
        let message = "aggregations (`| count() …`, `| near …`) are of Sigma 1";
        let finding = self.findings.error(codes::UNSUPPORTED, at, message);
        finding.help("write a correlation rule: event_count, value_count, temporal …");
        None
    }

    fn or(&mut self, depth: usize) -> Option<Condition> {
        let mut parts = vec![self.and(depth)?];
        while self.keyword("or") {
            parts.push(self.and(depth)?);
        }
        Some(one_or(parts, Condition::Or))
    }

    fn and(&mut self, depth: usize) -> Option<Condition> {
        let mut parts = vec![self.not(depth)?];
        while self.keyword("and") {
            parts.push(self.not(depth)?);
        }
        Some(one_or(parts, Condition::And))
    }

    fn not(&mut self, depth: usize) -> Option<Condition> {
        if depth > MAX_DEPTH {
            let at = self.at();
            return self.fail(at, format!("more than {MAX_DEPTH} levels"));
        }
        if self.keyword("not") {
            return Some(Condition::Not(Box::new(self.not(depth + 1)?)));
        }
        let at = self.at();
        match self.tokens.get(self.next) {
            Some((Token::Open, _)) => {
                self.next += 1;
                let inner = self.or(depth + 1)?;
                if self.tokens.get(self.next).map(|(t, _)| t) != Some(&Token::Close) {
                    return self.fail(at, "`(` without `)`");
                }
                self.next += 1;
                Some(inner)
            }
            Some((Token::Word(word), _)) => {
                let word = *word;
                self.next += 1;
                self.operand(word, at)
            }
            Some((Token::Close, _)) => self.fail(at, "`)` where a selection is expected"),
            None => self.fail(at, "the condition ends where a selection is expected"),
        }
    }

    fn operand(&mut self, word: &'t str, at: At) -> Option<Condition> {
        let all = match word.to_ascii_lowercase().as_str() {
            "1" | "any" if self.word().is_some_and(|w| w.eq_ignore_ascii_case("of")) => false,
            "all" if self.word().is_some_and(|w| w.eq_ignore_ascii_case("of")) => true,
            "and" | "or" | "of" | "them" => {
                return self.fail(at, format!("`{word}` where a selection is expected"));
            }
            _ if self.aggregates(word) => return self.aggregation(at),
            _ => return self.named(word, at),
        };
        self.next += 1;
        let Some(pattern) = self.word() else {
            let at = self.at();
            return self.fail(
                at,
                "`of` needs a selection, a pattern such as `x*`, or `them`",
            );
        };
        let place = self.at();
        self.next += 1;
        let them = pattern.eq_ignore_ascii_case("them");
        let named: Vec<usize> = (0..self.selections.len())
            .filter(|i| {
                let name = self.selections[*i];
                if them {
                    !name.starts_with('_')
                } else {
                    fits(pattern, name)
                }
            })
            .collect();
        if named.is_empty() {
            self.findings.error(
                codes::UNKNOWN_SELECTION,
                place,
                format!("no selection fits `{pattern}`"),
            );
            return None;
        }
        named.iter().for_each(|i| self.used[*i] = true);
        let parts = named.into_iter().map(Condition::Selection).collect();
        Some(one_or(
            parts,
            if all { Condition::And } else { Condition::Or },
        ))
    }

    fn named(&mut self, word: &str, at: At) -> Option<Condition> {
        let Some(index) = self.selections.iter().position(|s| *s == word) else {
            self.findings
                .error(
                    codes::UNKNOWN_SELECTION,
                    at,
                    format!("the rule has no selection `{word}`"),
                )
                .help(format!("there are: {}", self.selections.join(", ")));
            return None;
        };
        self.used[index] = true;
        Some(Condition::Selection(index))
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}

/// Whether a pattern with `*` fits a name.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        if let Some(previous) = last.replace(piece) {
            let Some(at) = rest.find(previous) else {
                return false;
            };
            rest = &rest[at + str::len(previous)..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Condition, String> {
        let selections = ["a", "b", "x_1", "x_2", "_hidden"];
        let mut used = vec![false; selections.len()];
        let mut findings = Findings::new("f");
        let node = Node {
            at: At {
                line: 1,
                column: 1,
                length: 1,
            },
            data: Data::Scalar {
                text: text.into(),
                plain: true,
            },
        };
        parse(&node, &selections, &mut used, &mut findings)
            .ok_or_else(|| findings.list[0].to_string())
    }

    #[test]
    fn precedence_and_quantifiers() {
        use Condition::{And, Not, Or, Selection as S};
        assert_eq!(
            read("a or b and not a"),
            Ok(Or(vec![S(0), And(vec![S(1), Not(Box::new(S(0)))])]))
        );
        assert_eq!(
            read("(a or b) and a"),
            Ok(And(vec![Or(vec![S(0), S(1)]), S(0)]))
        );
        assert_eq!(read("1 of x_*"), Ok(Or(vec![S(2), S(3)])));
        assert_eq!(
            read("not all of x*"),
            Ok(Not(Box::new(And(vec![S(2), S(3)]))))
        );
        assert_eq!(read("1 of them"), Ok(Or(vec![S(0), S(1), S(2), S(3)])));
        assert_eq!(
            read("a AND NOT b"),
            Ok(And(vec![S(0), Not(Box::new(S(1)))]))
        );
    }

    #[test]
    fn what_cannot_be_read() {
        for (text, said) in [
            (
                "",
                "f:1:1: T0018 the condition ends where a selection is expected",
            ),
            (
                "a and",
                "f:1:6: T0018 the condition ends where a selection is expected",
            ),
            (
                "a | count() > 5",
                "f:1:3: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
            ),
            (
                "a|count(x) by y > 5",
                "f:1:2: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
            ),
            (
                "a and | near b",
                "f:1:7: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
            ),
            (
                "a near b",
                "f:1:3: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
            ),
            ("a b", "f:1:3: T0018 `b` where `and` or `or` is expected"),
            ("(a", "f:1:1: T0018 `(` without `)`"),
            ("a)", "f:1:2: T0018 `)` without `(`"),
            ("c", "f:1:1: T0019 the rule has no selection `c`"),
            ("1 of y*", "f:1:6: T0019 no selection fits `y*`"),
        ] {
            assert_eq!(read(text), Err(said.to_owned()));
        }
        assert!(read(&"(".repeat(100_000)).is_err());
        assert!(read(&"not ".repeat(100_000)).is_err());
    }

    #[test]
    fn patterns() {
        assert!(fits("a*b", "axxb") && fits("*", "") && fits("a", "a") && fits("a*b*c", "a1b2c"));
        assert!(!fits("a*b", "ab2") && !fits("a", "ab") && !fits("ab*ba", "aba"));
    }
}
