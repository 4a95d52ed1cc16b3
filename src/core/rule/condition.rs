//! The condition grammar: `or` < `and` < `not` < `( )`, selection names, `1 of x*`, `all of x*`, `… of them`, names of conditions.
//!
//! Invariant: a name of a condition stands for what that condition says, in parentheses.
//! Bounded: [`MAX_DEPTH`] and [`MAX_PARTS`], with everything that names bring along; a condition never names itself.

use super::ast::Condition;
use super::codes;
use crate::core::yaml::{At, Data, Findings, Lines, Node};

/// Deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 64;
/// Selections that one condition names, with those of the conditions that it names.
const MAX_PARTS: usize = 100_000;

/// What a condition may name.
#[derive(Default)]
pub(super) struct Names<'n> {
    pub selections: Vec<&'n str>,
    /// `tocsin.conditions`; their place in `used` is behind the selections.
    pub conditions: Vec<(&'n str, &'n Node)>,
    /// Where everything is placed that was taken over from other rules.
    pub inherited: Option<At>,
    /// There may be more: those of the rules that extend this one.
    pub open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    Word(&'t str),
}

impl Names<'_> {
    /// Selections and conditions.
    pub(super) fn len(&self) -> usize {
        self.selections.len() + self.conditions.len()
    }
}

struct Reader<'t, 'f, 'n> {
    tokens: Vec<(Token<'t>, At)>,
    next: usize,
    names: &'t Names<'t>,
    /// Numbers of the named conditions that are being read.
    path: &'f mut Vec<usize>,
    /// How many more selections may be named.
    room: &'f mut usize,
    used: &'f mut [bool],
    findings: &'f mut Findings<'n>,
    /// A name is unknown: the rest is read so that all are found.
    failed: bool,
    end: At,
}

/// Reads a condition; marks what it names in `used`: by the number of the selection, and behind them of the named condition. None
/// after a finding.
pub(super) fn parse(
    node: &Node,
    names: &Names<'_>,
    used: &mut [bool],
    findings: &mut Findings<'_>,
) -> Option<Condition> {
    read(
        node,
        names,
        (&mut Vec::new(), &mut { MAX_PARTS }),
        0,
        used,
        findings,
    )
}

fn read(
    node: &Node,
    names: &Names<'_>,
    (path, room): (&mut Vec<usize>, &mut usize),
    depth: usize,
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
    let mut tokens = tokens(text, begin);
    let mut end = At {
        column: begin.column + text.chars().count(),
        length: 1,
        ..begin
    };
    if let Some(lines) = &node.lines {
        end = place(&mut tokens, lines).unwrap_or_else(|| {
            // An escape of YAML stands between: the place of the condition has to do.
            tokens.iter_mut().for_each(|(_, at)| *at = node.at);
            node.at
        });
    }
    if names.inherited == Some(node.at) {
        // It stands in another file.
        end = node.at;
        tokens.iter_mut().for_each(|(_, at)| *at = node.at);
    }
    let mut reader = Reader {
        tokens,
        next: 0,
        names,
        path,
        room,
        used,
        findings,
        failed: false,
        end,
    };
    let condition = reader.or(depth)?;
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
    (!reader.failed).then_some(condition)
}

/// Places the tokens where they stand in the file; the place behind the last one. None where the file writes them otherwise.
fn place(tokens: &mut [(Token<'_>, At)], lines: &Lines) -> Option<At> {
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
        word == "|" || (word == "near" && !self.names.selections.contains(&word))
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
                self.operand(word, at, depth)
            }
            Some((Token::Close, _)) => self.fail(at, "`)` where a selection is expected"),
            None => self.fail(at, "the condition ends where a selection is expected"),
        }
    }

    fn operand(&mut self, word: &'t str, at: At, depth: usize) -> Option<Condition> {
        let all = match word.to_ascii_lowercase().as_str() {
            "1" | "any" if self.word().is_some_and(|w| w.eq_ignore_ascii_case("of")) => false,
            "all" if self.word().is_some_and(|w| w.eq_ignore_ascii_case("of")) => true,
            "and" | "or" | "of" | "them" => {
                return self.fail(at, format!("`{word}` where a selection is expected"));
            }
            _ if self.aggregates(word) => return self.aggregation(at),
            _ => return self.named(word, at, depth),
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
        let named: Vec<usize> = (0..self.names.selections.len())
            .filter(|i| {
                let name = self.names.selections[*i];
                if them {
                    !name.starts_with('_')
                } else {
                    fits(pattern, name)
                }
            })
            .collect();
        if named.is_empty() && self.names.open {
            return Some(Condition::Or(Vec::new()));
        }
        if named.is_empty() {
            self.findings.error(
                codes::UNKNOWN_SELECTION,
                place,
                format!("no selection fits `{pattern}`"),
            );
            self.failed = true;
            return Some(Condition::Or(Vec::new()));
        }
        self.take(named.len(), place)?;
        named.iter().for_each(|i| self.used[*i] = true);
        let parts = named.into_iter().map(Condition::Selection).collect();
        Some(one_or(
            parts,
            if all { Condition::And } else { Condition::Or },
        ))
    }

    fn named(&mut self, word: &str, at: At, depth: usize) -> Option<Condition> {
        let names = self.names;
        if let Some(index) = names.selections.iter().position(|s| *s == word) {
            self.take(1, at)?;
            self.used[index] = true;
            return Some(Condition::Selection(index));
        }
        let Some(number) = names.conditions.iter().position(|(name, _)| *name == word) else {
            if names.open {
                return Some(Condition::Or(Vec::new()));
            }
            let conditions = names.conditions.iter().map(|(name, _)| name);
            let known: Vec<&str> = names.selections.iter().chain(conditions).copied().collect();
            let message = format!("the rule has no selection `{word}`");
            let finding = self.findings.error(codes::UNKNOWN_SELECTION, at, message);
            finding.help(format!("there are: {}", known.join(", ")));
            self.failed = true;
            return Some(Condition::Or(Vec::new()));
        };
        if self.path.contains(&number) {
            return self.fail(
                at,
                format!("the condition `{word}` names itself in the end"),
            );
        }
        self.used[names.selections.len() + number] = true;
        self.path.push(number);
        let around = (&mut *self.path, &mut *self.room);
        let (_, node) = names.conditions[number];
        let inner = read(node, names, around, depth + 1, self.used, self.findings);
        self.path.pop();
        Some(Condition::Named(word.into(), Box::new(inner?)))
    }

    /// Counts selections that are named.
    fn take(&mut self, selections: usize, at: At) -> Option<()> {
        let Some(room) = self.room.checked_sub(selections) else {
            let message = format!(
                "the condition names more than {MAX_PARTS} selections, with those of conditions that it names"
            );
            return self.fail(at, message);
        };
        *self.room = room;
        Some(())
    }
}

/// The named conditions of a rule, and whether each can have its name.
pub(super) fn conditions<'n>(
    block: Option<&'n Node>,
    selections: &[&str],
    findings: &mut Findings<'_>,
) -> Vec<(&'n str, &'n Node)> {
    let Some(block) = block else {
        return Vec::new();
    };
    let entries = findings.map_of(block, codes::WRONG_TYPE, "`tocsin.conditions`");
    let mut named = Vec::new();
    for (key, value) in entries.unwrap_or_default() {
        let name = key.text.as_str();
        let word = !name.is_empty()
            && name
                .chars()
                .all(|c| !c.is_whitespace() && !"()|*".contains(c));
        let keyword = RESERVED.iter().any(|word| name.eq_ignore_ascii_case(word));
        let message = if !word || keyword {
            format!("a condition cannot be called `{name}`")
        } else if selections.contains(&name) {
            format!("`{name}` is a selection of the rule already")
        } else {
            named.push((name, value));
            continue;
        };
        findings
            .error(codes::BAD_CONDITION, key.at, message)
            .help("one word of letters, digits, `_` and `-`");
    }
    named
}

/// Words of the grammar.
const RESERVED: &[&str] = &["1", "all", "and", "any", "near", "not", "of", "or", "them"];

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

    fn node(text: &str) -> Node {
        let at = At {
            line: 1,
            column: 1,
            length: 1,
        };
        let data = Data::Scalar {
            text: text.into(),
            plain: true,
        };
        Node::new(at, data)
    }

    fn read(text: &str) -> Result<Condition, String> {
        read_with(text, &[])
    }

    fn read_with(text: &str, conditions: &[(&str, &str)]) -> Result<Condition, String> {
        let nodes: Vec<Node> = conditions.iter().map(|(_, text)| node(text)).collect();
        let named = conditions.iter().map(|(name, _)| *name).zip(&nodes);
        let names = Names {
            selections: vec!["a", "b", "x_1", "x_2", "_hidden"],
            conditions: named.collect(),
            ..Names::default()
        };
        let mut used = vec![false; names.len()];
        let mut findings = Findings::new("f");
        parse(&node(text), &names, &mut used, &mut findings)
            .ok_or_else(|| findings.list[0].to_string())
    }

    /// The condition with what its names stand for in their places.
    fn plain(condition: Condition) -> Condition {
        let all = |parts: Vec<Condition>| parts.into_iter().map(plain).collect();
        match condition {
            Condition::And(parts) => Condition::And(all(parts)),
            Condition::Or(parts) => Condition::Or(all(parts)),
            Condition::Not(part) => Condition::Not(Box::new(plain(*part))),
            Condition::Selection(_) => condition,
            Condition::Named(_, part) => plain(*part),
        }
    }

    #[test]
    fn a_name_stands_for_what_its_condition_says() {
        let known = [
            ("either", "a or b"),
            ("odd", "either and not x_1"),
            ("x_3", "a"),
        ];
        for (text, whole) in [
            ("not either and x_1", "not (a or b) and x_1"),
            ("odd or b", "((a or b) and not x_1) or b"),
            // Conditions are no selections: a pattern does not find them.
            ("1 of x_*", "x_1 or x_2"),
        ] {
            assert_eq!(read_with(text, &known).map(plain), read(whole), "{text}");
        }
        let said = read_with("c", &known).unwrap_err();
        assert_eq!(said, "f:1:1: T0019 the rule has no selection `c`");
    }

    #[test]
    fn named_conditions_are_bounded() {
        let said = read_with("p", &[("p", "a or q"), ("q", "b and p")]).unwrap_err();
        assert_eq!(
            said,
            "f:1:7: T0018 the condition `p` names itself in the end"
        );
        let texts: Vec<(String, String)> = (0..20)
            .map(|n| (format!("c{n}"), format!("c{0} and c{0}", n + 1)))
            .chain([("c20".into(), "a".into())])
            .collect();
        let doubling: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (&**n, &**t)).collect();
        let said = read_with("c0", &doubling).unwrap_err();
        assert!(said.contains("more than 100000 selections"), "{said}");
        let texts: Vec<(String, String)> = (0..100)
            .map(|n| (format!("c{n}"), format!("not c{}", n + 1)))
            .chain([("c100".into(), "a".into())])
            .collect();
        let deep: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (&**n, &**t)).collect();
        let said = read_with("c0", &deep).unwrap_err();
        assert!(said.contains("more than 64 levels"), "{said}");
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
