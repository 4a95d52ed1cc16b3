//! What a shadow rule says, in short: two rules with the same digest fire on the same reports with the same scores.
//!
//! Invariant: everything that it says and the terms of its lexicons go in, but for titles, reasons of scores, status and
//! `replaces`: none of these changes what it fires on, and a rule that only gets a better title goes on being watched.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::ast::{Addition, Group, Rule, RuleStatus, Test, Tocsin};
use super::print::print;
use crate::core::lexicon::Lexicon;
use crate::core::model::{GrowthLine, ScoreLine};

/// Hexadecimal digits of a wording.
const DIGITS: usize = 12;

/// Works out wordings; each lexicon is read once.
pub(super) struct Wordings<'l> {
    lexicons: &'l HashMap<&'l str, &'l Lexicon>,
    digests: HashMap<String, [u8; 32]>,
}

impl<'l> Wordings<'l> {
    pub(super) fn new(lexicons: &'l HashMap<&'l str, &'l Lexicon>) -> Self {
        Self {
            lexicons,
            digests: HashMap::new(),
        }
    }

    /// The wording of a shadow rule; empty of others, which nobody asks for it.
    pub(super) fn of(&mut self, rule: &Rule) -> Arc<str> {
        if rule.status != RuleStatus::Shadow {
            return Arc::default();
        }
        let said = Rule {
            title: Arc::default(),
            tocsin: rule.tocsin.as_ref().map(without_words),
            ..rule.clone()
        };
        let mut hash = Sha256::new();
        hash.update(print(&said));
        let mut names = BTreeSet::new();
        for selection in &rule.selections {
            lexicons_of(&selection.group, &mut names);
        }
        for name in names {
            if let Some(lexicon) = self.lexicons.get(name) {
                let digests = &mut self.digests;
                let digest = digests.entry(name.to_owned());
                hash.update(digest.or_insert_with(|| digest_of(lexicon)));
            }
        }
        hex(&hash.finalize())
    }
}

/// The block without what only people read.
fn without_words(tocsin: &Tocsin) -> Tocsin {
    let line = |line: &ScoreLine| ScoreLine {
        because: String::new(),
        because_zh: None,
        ..line.clone()
    };
    let add = tocsin.add.iter().map(|add| match add {
        Addition::When {
            condition,
            at,
            line: own,
        } => Addition::When {
            condition: condition.clone(),
            at: *at,
            line: line(own),
        },
        Addition::Weight {
            selection,
            line: own,
        } => Addition::Weight {
            selection: *selection,
            line: line(own),
        },
        Addition::Growth(own) => Addition::Growth(Arc::new(GrowthLine {
            because: String::new(),
            because_zh: None,
            ..(**own).clone()
        })),
    });
    Tocsin {
        title_zh: None,
        replaces: None,
        base: line(&tocsin.base),
        add: add.collect(),
        ..tocsin.clone()
    }
}

fn hex(bytes: &[u8]) -> Arc<str> {
    let mut digits = String::new();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits[..DIGITS].into()
}

fn lexicons_of<'r>(group: &'r Group, names: &mut BTreeSet<&'r str>) {
    match group {
        Group::All(parts) | Group::Any(parts) => {
            parts.iter().for_each(|part| lexicons_of(part, names));
        }
        Group::Item(item) => {
            if let Test::Lexicon { names: own, .. } = &item.test {
                names.extend(own.iter().map(|(name, _)| name.as_str()));
            }
        }
    }
}

fn digest_of(lexicon: &Lexicon) -> [u8; 32] {
    let mut hash = Sha256::new();
    for term in &lexicon.terms {
        let said = format!(
            "{:?} {:?} {} {:?}\n",
            term.normalised, term.mode, term.weight, term.unless
        );
        hash.update(said);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::diagnostic::SourceFile;
    use crate::core::{lexicon, rule};

    const RULE: &str = "title: t\nid: r\nstatus: test\ndetection:\n  a: {any|lexicon: gas}\n  b: {any|contains: boom}\n  condition: a and \
                        b\ntocsin: {hazard: fire, score: {base: 30}}\n";
    const TERMS: &str = "lexicon: gas\nterms: [gas leak, {term: fumes, unless: [perfume]}]\n";

    fn wording(rule: &str, terms: &str) -> Arc<str> {
        let file = |text: &str| SourceFile {
            name: "f.yml".into(),
            text: text.into(),
        };
        let mut found = Vec::new();
        let rules = rule::parse(&file(rule), &mut found);
        let lexicons = lexicon::parse(&file(terms), &mut found);
        assert!(found.is_empty(), "{found:?}");
        let by_name = lexicons.iter().map(|l| (&*l.name, l)).collect();
        Wordings::new(&by_name).of(&rules[0])
    }

    #[test]
    fn what_changes_what_a_rule_fires_on_changes_its_wording() {
        let of = wording(RULE, TERMS);
        assert_eq!(of.len(), DIGITS);
        for same in [
            format!("# a comment\n\n{RULE}"),
            RULE.replace("title: t", "title: A better title\ndescription: more"),
            RULE.replace("score: {base: 30}", "title_zh: 好, score: {base: 30}"),
            RULE.replace("{base: 30}", "{base: 30, because: it burns}"),
        ] {
            assert_eq!(wording(&same, TERMS), of, "{same}");
        }
        assert_eq!(wording(RULE, &format!("# a comment\n{TERMS}")), of);
        for (rule, terms) in [
            (RULE.replace("boom", "bang"), TERMS.to_owned()),
            (RULE.replace("a and b", "a or b"), TERMS.to_owned()),
            (RULE.replace("base: 30", "base: 31"), TERMS.to_owned()),
            (RULE.replace("fire", "gas_leak"), TERMS.to_owned()),
            (RULE.to_owned(), TERMS.replace("gas leak", "gas leaks")),
            (RULE.to_owned(), TERMS.replace("perfume", "perfumes")),
        ] {
            assert_ne!(wording(&rule, &terms), of, "{rule}{terms}");
        }
        let live = RULE.replace("status: test", "status: stable");
        assert_eq!(&*wording(&live, TERMS), "");
    }
}
