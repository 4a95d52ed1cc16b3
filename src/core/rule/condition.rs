//! The condition grammar: `or` < `and` < `not` < `( )`, selection names, `1 of x*`, `all of x*`, `… of them`, names of conditions.
//!
//! Invariant: a name of a condition stands for what that condition says, in parentheses.
//! Bounded: [`MAX_DEPTH`], [`MAX_PARTS`] and [`MAX_READ`], with everything that names bring along; a condition never names itself.

mod names;
mod token;

use names::fits;
pub(super) use names::{Names, conditions};
use token::{Token, place, tokens};

use super::ast::Condition;
use super::codes;
use crate::core::yaml::{At, Data, Findings, Node};

/// Deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 64;
/// Selections that the conditions of a rule name, with those of the conditions that they name.
const MAX_PARTS: usize = 20_000;
/// Bytes of the conditions of a rule, as often as they are named.
const MAX_READ: usize = 2 << 20;

struct Reader<'t, 'f, 'n> {
    tokens: Vec<(Token<'t>, At)>,
    next: usize,
    names: &'t Names<'t>,
    /// Numbers of the named conditions that are being read.
    path: &'f mut Vec<usize>,
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
    read(node, names, &mut Vec::new(), 0, used, findings)
}

fn read(
    node: &Node,
    names: &Names<'_>,
    path: &mut Vec<usize>,
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
    names.read.set(names.read.get() + text.len());
    if names.read.get() > MAX_READ {
        let message =
            format!("the conditions have more than {MAX_READ} bytes, as often as they are named");
        findings.error(codes::BAD_CONDITION, node.at, message);
        return None;
    }
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
            self.take(1, place)?;
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
                self.take(1, at)?;
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
        let (_, node) = names.conditions[number];
        let inner = read(node, names, self.path, depth + 1, self.used, self.findings);
        self.path.pop();
        Some(Condition::Named(word.into(), Box::new(inner?)))
    }

    /// Counts selections that are named.
    fn take(&mut self, selections: usize, at: At) -> Option<()> {
        let named = self.names.named.get() + selections;
        self.names.named.set(named);
        if named > MAX_PARTS {
            let message = format!(
                "the conditions name more than {MAX_PARTS} selections, with those of conditions that they name"
            );
            return self.fail(at, message);
        }
        Some(())
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}

#[cfg(test)]
mod tests;
