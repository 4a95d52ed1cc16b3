//! Rules and lexicons → [`Program`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::ast::{self, Condition, Rule, RuleStatus};
use super::codes;
use super::layout::lay_out;
use super::lower::Lowering;
use super::program::{Addition, CompiledRule, Expr, Guard, Leaf, Posting, Program, ValueTest};
use super::wording::Wordings;
use crate::core::diagnostic::Diagnostic;
use crate::core::lexicon::Lexicon;
use crate::core::model::is_personal;
use crate::core::yaml::Findings;

/// Rules of one set.
pub(super) const MAX_RULES: usize = 100_000;

/// What the parts of a program are collected in before they are laid out flat.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) patterns: HashMap<Vec<u16>, u32>,
    pub(super) postings: Vec<(u32, Posting)>,
    pub(super) guards: Vec<Guard>,
    pub(super) atoms: u32,
    pub(super) leaves: Vec<Leaf>,
    /// Atoms over lexicons are shared by the rules that ask for the same ones.
    pub(super) shared: HashMap<(u8, Vec<String>), u32>,
    pub(super) scanned: u8,
}

impl Builder {
    /// The number of a pattern.
    pub(super) fn pattern(&mut self, normalised: &str) -> u32 {
        let next = self.patterns.len() as u32;
        *self
            .patterns
            .entry(normalised.encode_utf16().collect())
            .or_insert(next)
    }

    pub(super) fn leaf(&mut self, leaf: Leaf) -> Expr {
        match &leaf {
            Leaf::Near { scope, .. } | Leaf::Text { scope, .. } => self.scanned |= scope,
            _ => {}
        }
        self.leaves.push(leaf);
        Expr::Leaf(self.leaves.len() as u32 - 1)
    }
}

/// Compiles what was read. Errors go to `found`; a rule with errors is left out.
pub fn compile(rules: &[Rule], lexicons: &[Lexicon], found: &mut Vec<Diagnostic>) -> Program {
    let by_name = unique_lexicons(lexicons, found);
    let mut wordings = Wordings::new(&by_name);
    let mut builder = Builder::default();
    let mut compiled = Vec::new();
    let mut ids: BTreeMap<&str, &Rule> = BTreeMap::new();
    for rule in rules {
        let mut findings = Findings::new(&rule.file);
        if let Some(first) = ids.insert(&rule.id, rule) {
            findings.error(
                codes::DUPLICATE_ID,
                rule.id_at,
                format!("the id `{}` is also in {}", rule.id, first.file),
            );
        }
        if compiled.len() >= MAX_RULES {
            findings.error(
                codes::BAD_VALUE,
                rule.at,
                format!("more than {MAX_RULES} rules"),
            );
        }
        check_fields(rule, &mut findings);
        if rule.tocsin.is_none() {
            findings
                .error(codes::PLAIN_RULE, rule.at, "a rule without `tocsin:` does not run on feeds")
                .help("give it a `tocsin:` block with `hazard` and `score`, or evaluate it with `rules eval`");
        } else if let Some(mut program) = one(rule, &by_name, &mut builder, &mut findings) {
            program.wording = wordings.of(rule);
            compiled.push(program);
        }
        found.append(&mut findings.list);
    }
    check_replaced(rules, &ids, found);
    compiled.sort_by(|a, b| a.id.cmp(&b.id));
    lay_out(builder, compiled)
}

fn unique_lexicons<'l>(
    lexicons: &'l [Lexicon],
    found: &mut Vec<Diagnostic>,
) -> HashMap<&'l str, &'l Lexicon> {
    let mut by_name: HashMap<&str, &Lexicon> = HashMap::new();
    for lexicon in lexicons {
        if let Some(first) = by_name.insert(&lexicon.name, lexicon) {
            let mut findings = Findings::new(&lexicon.file);
            findings.error(
                codes::DUPLICATE_ID,
                lexicon.name_at,
                format!("the lexicon `{}` is also in {}", lexicon.name, first.file),
            );
            found.append(&mut findings.list);
        }
    }
    by_name
}

/// Fields that no rule may ask of a report: those of persons, and growth, which only correlate knows.
fn check_fields(rule: &Rule, findings: &mut Findings<'_>) {
    fn visit(group: &ast::Group, findings: &mut Findings<'_>) {
        match group {
            ast::Group::All(groups) | ast::Group::Any(groups) => {
                groups.iter().for_each(|g| visit(g, findings));
            }
            ast::Group::Item(item) if item.field.as_deref().is_some_and(is_personal) => {
                let field = item.field.as_deref().unwrap_or_default();
                findings
                    .error(
                        codes::PERSON,
                        item.at,
                        format!("`{field}` speaks of a person: Tocsin watches hazards"),
                    )
                    .help("reports have no author; select by what happened");
            }
            ast::Group::Item(item) if item.field.as_deref().is_some_and(is_growth) => {
                let field = item.field.as_deref().unwrap_or_default();
                findings
                    .error(
                        codes::BAD_GROWTH,
                        item.at,
                        format!("`{field}` is known of an incident and not of a report"),
                    )
                    .help("ask it in a line of its own of `score.add`: {when: {growth.w2|gte: 5}, points: 10, because: …}");
            }
            ast::Group::Item(_) => {}
        }
    }
    if rule.tocsin.is_some() {
        rule.selections
            .iter()
            .for_each(|s| visit(&s.group, findings));
    }
}

/// Whether a field is of growth, of those that are not known too: a slip of the pen.
fn is_growth(field: &str) -> bool {
    field.starts_with("growth.")
}

fn check_replaced(rules: &[Rule], ids: &BTreeMap<&str, &Rule>, found: &mut Vec<Diagnostic>) {
    for rule in rules {
        let Some((id, at)) = rule.tocsin.as_ref().and_then(|t| t.replaces.as_ref()) else {
            continue;
        };
        let mut findings = Findings::new(&rule.file);
        if !ids.contains_key(&**id) {
            findings.error(
                codes::UNKNOWN_RULE,
                *at,
                format!("there is no rule `{id}` to replace"),
            );
        } else if rule.status != RuleStatus::Shadow {
            findings.error(
                codes::BAD_VALUE,
                *at,
                "`replaces` is for rules with `status: test`",
            );
        }
        found.append(&mut findings.list);
    }
}

fn one(
    rule: &Rule,
    lexicons: &HashMap<&str, &Lexicon>,
    builder: &mut Builder,
    findings: &mut Findings<'_>,
) -> Option<CompiledRule> {
    let tocsin = rule.tocsin.as_ref()?;
    let weighed = tocsin.add.iter().filter_map(|add| match add {
        ast::Addition::Weight { selection, .. } => Some(*selection),
        ast::Addition::When { .. } | ast::Addition::Growth(_) => None,
    });
    let mut lowering = Lowering::new(
        &rule.selections,
        lexicons,
        builder,
        findings,
        weighed.collect(),
    );
    let exprs = lowering.selections();
    let exprs: Option<Vec<Expr>> = exprs.into_iter().collect();
    let atoms: Vec<Vec<u32>> = (0..rule.selections.len())
        .map(|i| lowering.weights_of(i))
        .collect();
    let exprs = exprs?;
    if rule.status == RuleStatus::Off {
        return None;
    }
    let when = condition(&rule.condition, &exprs, &builder.leaves);
    let add = tocsin.add.iter().filter_map(|add| match add {
        ast::Addition::When {
            condition: c, line, ..
        } => Some(Addition::When {
            when: condition(c, &exprs, &builder.leaves),
            line: line.clone(),
        }),
        ast::Addition::Weight { selection, line } => Some(Addition::Weight {
            atoms: atoms[*selection].clone(),
            line: line.clone(),
        }),
        ast::Addition::Growth(_) => None,
    });
    let add: Vec<Addition> = add.collect();
    let growth = tocsin.add.iter().filter_map(|add| match add {
        ast::Addition::Growth(line) => Some(Arc::clone(line)),
        _ => None,
    });
    let (shown, shown_values) = shown(&when, &add, &builder.leaves);
    if !rule.broken && always(&when, &builder.leaves) && !narrowed(&when, &builder.leaves) {
        findings
            .warn(
                codes::NO_TRIGGER,
                rule.condition_at,
                "the rule must look at every report: nothing in it narrows them down",
            )
            .help("require a term, a `kind`, or a field of the record as well");
    }
    Some(CompiledRule {
        id: rule.id.clone(),
        title: rule.title.clone(),
        title_zh: tocsin.title_zh.clone(),
        shadow: rule.status == RuleStatus::Shadow,
        wording: Arc::default(),
        hazard: tocsin.hazard,
        tier: tocsin.tier,
        growth_tiers: tocsin.growth_tiers.clone(),
        quiet_ms: tocsin.quiet_ms,
        urgency: tocsin.urgency,
        replaces: tocsin.replaces.as_ref().map(|(id, _)| id.clone()),
        departments: tocsin.departments.iter().map(|(d, _)| d.clone()).collect(),
        correlations: Vec::new(),
        base: tocsin.base.clone(),
        add,
        growth: growth.collect(),
        when,
        shown,
        shown_values,
    })
}

/// A condition over selections → over leaves: of parts that all must hold, first those that need something found, then those that
/// hold of most reports; the cheap ones first.
fn condition(condition: &Condition, selections: &[Expr], leaves: &[Leaf]) -> Expr {
    let many = |parts: &[Condition], all: bool| {
        let mut parts: Vec<Expr> = parts
            .iter()
            .map(|p| self::condition(p, selections, leaves))
            .collect();
        parts.sort_by_cached_key(|p| {
            let cost = cost(p, leaves);
            (all && cost > 1 && always(p, leaves), cost)
        });
        parts.into_boxed_slice()
    };
    match condition {
        Condition::And(parts) => Expr::And(many(parts, true)),
        Condition::Or(parts) => Expr::Or(many(parts, false)),
        Condition::Not(part) => Expr::Not(Box::new(self::condition(part, selections, leaves))),
        Condition::Selection(index) => selections[*index].clone(),
        Condition::Named(_, part) => self::condition(part, selections, leaves),
    }
}

/// Rough cost of asking, for the order of evaluation only.
pub(super) fn cost(expr: &Expr, leaves: &[Leaf]) -> u32 {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().map(|p| cost(p, leaves)).max().unwrap_or(0)
        }
        Expr::Not(part) => cost(part, leaves),
        Expr::Leaf(index) => match &leaves[*index as usize] {
            Leaf::Kind(_) => 0,
            Leaf::Atom { .. } => 1,
            Leaf::Field { .. } => 2,
            Leaf::Feed(_) | Leaf::Lang(_) => 3,
            Leaf::Near { .. } => 4,
            Leaf::Number { .. } => 6,
            Leaf::Text { .. } => 5,
        },
    }
}

/// What a leaf says of a report that no hit and no field announced; None where that depends on the report.
fn unannounced(leaf: &Leaf) -> Option<bool> {
    match leaf {
        Leaf::Atom { .. } | Leaf::Near { .. } => Some(false),
        Leaf::Field { test, .. } => Some(absent(test)),
        Leaf::Text { .. } | Leaf::Kind(_) | Leaf::Feed(_) | Leaf::Lang(_) | Leaf::Number { .. } => {
            None
        }
    }
}

/// The answer of a test for a field that is absent.
pub fn absent(test: &ValueTest) -> bool {
    match test {
        ValueTest::Exists(wanted) => !wanted,
        ValueTest::Pattern { pattern, .. } => pattern.null,
        ValueTest::Regex { .. } | ValueTest::Compare(..) => false,
    }
}

pub(super) fn always(when: &Expr, leaves: &[Leaf]) -> bool {
    when.eval_partly(&mut |leaf| unannounced(&leaves[leaf as usize])) != Some(false)
}

/// Whether kind, feed or language decide most reports before anything dear is asked.
fn narrowed(when: &Expr, leaves: &[Leaf]) -> bool {
    let mut narrowed = false;
    when.visit(true, &mut |leaf, _| {
        narrowed |= matches!(
            leaves[leaf as usize],
            Leaf::Kind(_) | Leaf::Feed(_) | Leaf::Lang(_)
        );
    });
    narrowed
}

fn shown(when: &Expr, add: &[Addition], leaves: &[Leaf]) -> (Vec<u32>, Vec<u32>) {
    let (mut atoms, mut texts) = (Vec::new(), Vec::new());
    let mut visit = |leaf: u32, positive: bool| match &leaves[leaf as usize] {
        Leaf::Atom { atom, .. } if positive => atoms.push(*atom),
        Leaf::Near { a, b, .. } if positive => {
            atoms.extend(a);
            atoms.extend(b);
        }
        Leaf::Text { .. } | Leaf::Field { .. } | Leaf::Number { .. } if positive => {
            texts.push(leaf);
        }
        _ => {}
    };
    when.visit(true, &mut visit);
    for addition in add {
        if let Addition::When { when, .. } = addition {
            when.visit(true, &mut visit);
        }
    }
    for addition in add {
        if let Addition::Weight { atoms: weighed, .. } = addition {
            atoms.extend(weighed);
        }
    }
    for list in [&mut atoms, &mut texts] {
        list.sort_unstable();
        list.dedup();
    }
    (atoms, texts)
}
