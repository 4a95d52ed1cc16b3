//! A fired rule → a detection with all that correlate needs.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::content_hash;
use super::excerpt::{excerpt, slice};
use super::facts::Facts;
use super::matcher::Matcher;
use super::shown::{asked, compared, in_field};
use crate::core::fingerprint::fingerprint;
use crate::core::model::{
    DETECTION_VERSION, Detection, Feed, FeedKind, Fingerprint, MAX_EXCERPT_CHARS, MAX_MATCHES,
    Match, Millis, Place, Position, Report, ReportRef, SHADOW_VERSION, ScoreLine, ShadowHit,
    Urgency, Value, WIDE,
};
use crate::core::normalise::map_spans;
use crate::core::place::{PlaceQuery, Resolved};
use crate::core::rule::program::{Addition, CompiledRule, Leaf, ValueTest, scope};
use crate::core::ruleset::RuleSet;

/// A report and what is known of it beside what it says.
pub(super) struct Subject<'a, 'r> {
    pub feed: &'a Feed,
    pub report: &'a Report<'r>,
    /// The exercise that it is part of, by a valid label.
    pub exercise: Option<Arc<str>>,
    pub received: Millis,
}

/// Builds the detections of one report; what they share is made once.
pub(super) struct Builder<'a, 'r> {
    set: &'a RuleSet,
    matcher: &'a Matcher,
    facts: &'a Facts<'a, 'r>,
    feed: &'a Feed,
    report: &'a Report<'r>,
    received: Millis,
    exercise: Option<Arc<str>>,
    kind: FeedKind,
    resolved: Resolved,
    /// By hit of the matcher: field and span.
    spans: Vec<(u8, [u32; 2])>,
    fingerprint: OnceCell<Option<Fingerprint>>,
}

impl<'a, 'r> Builder<'a, 'r> {
    pub(super) fn new(
        set: &'a RuleSet,
        matcher: &'a Matcher,
        facts: &'a Facts<'a, 'r>,
        subject: &Subject<'a, 'r>,
    ) -> Self {
        let (feed, report) = (subject.feed, subject.report);
        let resolved = set.gazetteer.resolve(&PlaceQuery {
            code: report.place_code.as_deref(),
            name: report.place_name.as_deref(),
            coordinates: report.coordinates,
            title: &report.title,
            text: &report.text,
            normal: Some([facts.title(), facts.text()]),
            home: feed.home.as_deref(),
        });
        let kind = report.kind.unwrap_or(feed.kind);
        let spans = spans(matcher, report);
        Self {
            set,
            matcher,
            facts,
            feed,
            report,
            received: subject.received,
            exercise: subject.exercise.clone(),
            kind,
            resolved,
            spans,
            fingerprint: OnceCell::new(),
        }
    }

    fn key_place(&self, rule: &CompiledRule) -> Place {
        self.set.gazetteer.at_tier(&self.resolved.place, rule.tier)
    }

    fn key(&self, rule: &CompiledRule, place: &str) -> String {
        let status = self.report.status.id();
        let key = format!("{status}/{}/{place}", rule.hazard.id());
        match &self.exercise {
            Some(exercise) => format!("{key}/{exercise}"),
            None => key,
        }
    }

    /// What a shadow rule would have done.
    pub(super) fn shadow(&self, rule: &CompiledRule) -> ShadowHit {
        let rules = &self.set.program.rules;
        let fired = self.matcher.fired.iter().map(|n| &rules[*n as usize]);
        let replaced = |id: &Arc<str>| fired.clone().any(|rule| rule.id == *id);
        let live = fired.clone().filter(|rule| !rule.shadow);
        let mut others: Vec<Arc<str>> = live.clone().map(|rule| rule.id.clone()).collect();
        others.sort_unstable();
        others.truncate(MAX_MATCHES);
        let place = self.key_place(rule);
        let ReportRef { title, excerpt, .. } = self.report_ref(&self.matches(rule));
        ShadowHit {
            v: SHADOW_VERSION,
            rule_id: rule.id.clone(),
            replaces: rule.replaces.clone(),
            replaced_fired: rule.replaces.as_ref().is_some_and(replaced),
            fired: others,
            covered: live.clone().any(|other| other.hazard == rule.hazard),
            key: self.key(rule, &place.code),
            place: place.name.to_string(),
            excerpt: if title.is_empty() { excerpt } else { title },
            severity: severity(&self.score(rule)),
            feed: self.feed.id.clone(),
            report_id: self.report.id.as_ref().to_owned(),
            received: self.received,
            rule_set: self.set.version.clone(),
            wording: rule.wording.clone(),
        }
    }

    /// The detection of a rule.
    pub(super) fn detection(&self, rule: &CompiledRule, position: &Position) -> Detection {
        let key_place = self.key_place(rule);
        let score = self.score(rule);
        let matches = self.matches(rule);
        Detection {
            v: DETECTION_VERSION,
            key: self.key(rule, &key_place.code),
            status: self.report.status,
            exercise: self.exercise.clone(),
            hazard: rule.hazard,
            rule_id: rule.id.clone(),
            rule_title: rule.title.clone(),
            rule_set: self.set.version.clone(),
            severity: severity(&score),
            score,
            report: self.report_ref(&matches),
            matches,
            numbers: self
                .facts
                .numbers()
                .iter()
                .map(|(name, value)| (Arc::from(*name), *value))
                .collect::<BTreeMap<_, _>>(),
            place: self.resolved.place.clone(),
            ancestors: self.set.gazetteer.ancestors(&key_place.code),
            exposure: self
                .set
                .gazetteer
                .exposure(&self.resolved.place, self.report.coordinates),
            key_place,
            place_assumed: self.resolved.assumed,
            also_places: self.resolved.also.clone(),
            tier: rule.tier,
            quiet_ms: rule.quiet_ms,
            urgency: self.urgency(rule),
            departments: rule.departments.clone(),
            correlations: rule.correlations.clone(),
            growth: rule.growth.clone(),
            wide_of: None,
            position: position.clone(),
        }
    }

    /// The same for every wider area in which the rule looks for growth: nothing but one more report there.
    pub(super) fn wider(&self, rule: &CompiledRule, of: &Detection) -> Vec<Detection> {
        let mut narrower = of.key_place.code.clone();
        let mut wider = Vec::new();
        for tier in &rule.growth_tiers {
            let place = self.set.gazetteer.at_tier(&self.resolved.place, *tier);
            // A report whose own place is as wide, or has none above it, is counted there already.
            if place.is_none() || place.code == narrower {
                continue;
            }
            let narrow = std::mem::replace(&mut narrower, place.code.clone());
            wider.push(Detection {
                key: self.key(rule, &format!("{WIDE}{}", place.code)),
                severity: 0,
                score: Vec::new(),
                exposure: None,
                ancestors: self.set.gazetteer.ancestors(&place.code),
                key_place: place,
                tier: *tier,
                correlations: Vec::new(),
                growth: Vec::new(),
                wide_of: Some(narrow),
                ..of.clone()
            });
        }
        wider
    }

    fn score(&self, rule: &CompiledRule) -> Vec<ScoreLine> {
        let mut lines = vec![rule.base.clone()];
        for addition in &rule.add {
            match addition {
                Addition::When { when, line } if self.facts.holds(when) => lines.push(line.clone()),
                Addition::When { .. } => {}
                Addition::Weight { atoms, line } => {
                    let weight: u32 = atoms
                        .iter()
                        .map(|atom| self.matcher.gathered(*atom).1)
                        .sum();
                    let points = i32::try_from(weight).unwrap_or(i32::MAX).min(line.points);
                    if points > 0 {
                        lines.push(ScoreLine {
                            points,
                            ..line.clone()
                        });
                    }
                }
            }
        }
        lines
    }

    fn urgency(&self, rule: &CompiledRule) -> Urgency {
        if rule.urgency != Urgency::Unknown {
            return rule.urgency;
        }
        match self.report.field("cap.urgency") {
            Some(Value::Text(text)) => match &**text {
                "Immediate" => Urgency::Immediate,
                "Expected" => Urgency::Expected,
                "Future" => Urgency::Future,
                "Past" => Urgency::Past,
                _ => Urgency::Unknown,
            },
            _ => Urgency::Unknown,
        }
    }

    /// What the rule found where: the first [`MAX_MATCHES`] by field and place.
    fn matches(&self, rule: &CompiledRule) -> Vec<Match> {
        let mut matches = Vec::new();
        for (hit, (scope, span)) in self.matcher.hits.iter().zip(&self.spans) {
            if rule.shown.binary_search(&hit.atom).is_ok() {
                let posting = &self.set.program.postings[hit.posting as usize];
                let [title, text] = &self.matcher.names;
                let field = if *scope == scope::TITLE { title } else { text };
                matches.push(Match {
                    field: Arc::clone(field),
                    span: *span,
                    term: posting.term.clone(),
                    value: None,
                });
            }
        }
        for leaf in &rule.shown_values {
            let leaf = &self.set.program.leaves[*leaf as usize];
            if self.facts.leaf(leaf) {
                self.values(leaf, &mut matches);
            }
        }
        matches.sort_unstable();
        matches.dedup();
        matches.truncate(MAX_MATCHES);
        matches
    }

    /// What a question about a whole value found: the value of a field, or the part of a text that an expression matched.
    fn values(&self, leaf: &Leaf, matches: &mut Vec<Match>) {
        match leaf {
            Leaf::Field { name, test } => {
                if let Some(value) = self.report.field(name) {
                    matches.push(in_field(name, value, asked(test)));
                }
            }
            // A number taken from the text has no place of its own: the terms around it are shown.
            Leaf::Number { name, test } => {
                let value = self.report.field(name).filter(|v| v.as_f64().is_some());
                if let Some(value) = value {
                    matches.push(in_field(name, value, compared(*test)));
                }
            }
            Leaf::Text {
                scope: fields,
                test: ValueTest::Regex { source, regex },
            } => {
                let values = [
                    (scope::TITLE, "title", &self.report.title),
                    (scope::TEXT, "text", &self.report.text),
                ];
                for (_, field, raw) in values.iter().filter(|(s, _, _)| s & fields != 0) {
                    let normal = if *field == "title" {
                        self.facts.title()
                    } else {
                        self.facts.text()
                    };
                    if let Some(found) = regex.find(normal) {
                        let symbols = |text: &str| text.encode_utf16().count() as u32;
                        let from = symbols(&normal[..found.start()]);
                        let span = map_spans(raw, &[[from, from + symbols(found.as_str())]])[0];
                        matches.push(Match {
                            field: (*field).into(),
                            span,
                            term: source.clone(),
                            value: None,
                        });
                    }
                }
            }
            _ => {}
        }
    }

    fn report_ref(&self, matches: &[Match]) -> ReportRef {
        let limit = MAX_EXCERPT_CHARS as u32;
        let spans: Vec<[u32; 2]> = matches
            .iter()
            .filter(|m| &*m.field == "text")
            .map(|m| m.span)
            .collect();
        let (excerpt, excerpt_start) = excerpt(&self.report.text, &spans, limit);
        let publisher = self
            .report
            .publisher
            .as_deref()
            .filter(|_| self.feed.publisher && self.kind == FeedKind::News);
        ReportRef {
            id: self.report.id.as_ref().to_owned(),
            feed: self.feed.id.clone(),
            kind: self.kind,
            source: match publisher {
                Some(publisher) => format!("{}/{publisher}", self.feed.id).into(),
                None => self.feed.id.clone(),
            },
            reliability: self.feed.reliability,
            observed: self.report.observed,
            received: self.received,
            title: slice(&self.report.title, 0, limit).to_owned(),
            excerpt: excerpt.to_owned(),
            excerpt_start,
            link: self
                .report
                .link
                .as_deref()
                .filter(|_| self.kind != FeedKind::Post)
                .map(str::to_owned),
            content_hash: content_hash(self.report),
            fingerprint: *self.fingerprint.get_or_init(|| self.fingerprint()),
            withdrawn: self.report.withdrawn,
        }
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        self.kind
            .is_reposted()
            .then(|| fingerprint(self.kind, self.facts.title(), self.facts.text()))
            .flatten()
    }
}

fn severity(score: &[ScoreLine]) -> u8 {
    score
        .iter()
        .map(|line| line.points)
        .sum::<i32>()
        .clamp(0, 100) as u8
}

/// Spans of all hits in the masked originals, in the order of the hits.
fn spans(matcher: &Matcher, report: &Report<'_>) -> Vec<(u8, [u32; 2])> {
    let mut spans = vec![(0, [0, 0]); matcher.hits.len()];
    for (scope, value) in [(scope::TITLE, &report.title), (scope::TEXT, &report.text)] {
        let (mut which, mut wanted) = (Vec::new(), Vec::new());
        for (number, hit) in matcher.hits.iter().enumerate() {
            let segment = matcher.scan.segment(&hit.occurrence);
            if segment.scope == scope {
                which.push(number);
                wanted.push([
                    hit.occurrence.from - segment.from,
                    hit.occurrence.to - segment.from,
                ]);
            }
        }
        if !which.is_empty() {
            for (number, span) in which.into_iter().zip(map_spans(value, &wanted)) {
                spans[number] = (scope, span);
            }
        }
    }
    spans
}
