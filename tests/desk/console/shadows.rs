//! Shadow rules on the page of rules: since when, what they would add and remove, examples, and the gate.

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin::core::model::{Bilingual, Hazard};
use tocsin::core::obligation::Role;
use tocsin::core::tools::promotion::{Against, Bars};
use tocsin::core::tools::shadow::{Observed, Sample};
use tocsin::desk::console::lang::Lang;
use tocsin::desk::console::page::rules::{self, RuleRow};
use tocsin::desk::console::shadow_words::ShadowMsg;
use tocsin::desk::console::words::Words as _;
use tocsin::desk::shadows::{Shadows, Tried};

use super::sample::SAMPLE;
use super::views::rules_view;

fn row(id: &str) -> RuleRow {
    RuleRow {
        id: id.into(),
        title: Bilingual {
            en: format!("Rule {id}"),
            zh: format!("规则{id}"),
        },
        hazard: Hazard::Fire,
        shadow: true,
        incidents: 0,
        open: 0,
        verdicts: [0; 4],
        tried: Some(41),
    }
}

fn observed() -> Observed {
    Observed {
        rule: "loud".into(),
        since: SAMPLE.now.plus(-8 * 86_400_000),
        last: Some(SAMPLE.now),
        days: 8.0,
        hits: 400,
        per_day: 50.0,
        new: 240,
        new_per_day: 30.0,
        new_keys: 17,
        overlap: BTreeMap::new(),
        replaces: Some("zh-fire".into()),
        removed: Some(16),
        rule_sets: std::iter::once(Arc::from("abc")).collect(),
        samples: vec![Sample {
            feed: "posts".into(),
            report: "r-1".to_owned(),
            received: SAMPLE.now,
            key: "actual/fire/x".to_owned(),
            place: "Harbour".to_owned(),
            excerpt: "smoke <script>alert(1)</script>".to_owned(),
            new: true,
        }],
    }
}

fn page(lang: Lang, seen: Option<&Shadows>) -> String {
    let mut view = rules_view();
    view.rules.extend(["loud", "good", "idle"].map(row));
    let viewer = SAMPLE.viewer(lang, Role::Analyst, None);
    rules::page(&viewer, &view, seen).into_string()
}

/// The row of a rule.
fn of<'a>(html: &'a str, id: &str) -> &'a str {
    let start = html.find(&format!("<tr id=\"{id}\"")).unwrap();
    let row = &html[start..];
    &row[..row.find("</tr>").unwrap()]
}

#[test]
fn what_a_shadow_rule_would_do_is_shown_with_what_speaks_against_it() {
    let bars = Bars {
        min_days: 7.0,
        max_new_per_day: 20.0,
    };
    let loud = observed();
    let mut good = Observed {
        rule: "good".into(),
        new_per_day: 3.0,
        replaces: None,
        removed: None,
        ..observed()
    };
    good.samples.clear();
    let tried = |observed: Option<Observed>, id: &str, more: Vec<Against>| Tried {
        rule: id.into(),
        against: [bars.watched(observed.as_ref()), more].concat(),
        observed,
    };
    let lint = Against::Lint {
        file: "rules/a.yml".to_owned(),
        line: 3,
        code: "T0101",
        message: "odd".to_owned(),
    };
    let seen = Shadows {
        at: SAMPLE.now,
        complete: false,
        failed: None,
        bars,
        rules: vec![
            tried(Some(loud), "loud", vec![lint, Against::Untested]),
            tried(Some(good), "good", Vec::new()),
            tried(None, "idle", Vec::new()),
        ],
    };
    for lang in Lang::ALL {
        let html = page(lang, Some(&seen));
        let t = |msg: ShadowMsg| lang.t(msg);
        assert!(html.contains(t(ShadowMsg::Reading)));
        assert!(!html.contains(t(ShadowMsg::Failed)));
        let loud = of(&html, "loud");
        // 240 in eight days, 16 that are no longer found.
        for shown in [
            ">400<",
            "30.0",
            ">50.0<",
            "2.0",
            "zh-fire",
            "Harbour",
            "T0101",
            "rules/a.yml:3",
        ] {
            assert!(loud.contains(shown), "{shown}: {loud}");
        }
        assert!(loud.contains(t(ShadowMsg::Stays)) && loud.contains(t(ShadowMsg::Untested)));
        assert!(loud.contains(&lang.fill(ShadowMsg::Loud, "30.0")), "{loud}");
        assert!(
            !html.contains("<script>alert"),
            "what a report says is text"
        );
        let good = of(&html, "good");
        assert!(
            good.contains(t(ShadowMsg::Open)) && !good.contains(t(ShadowMsg::Stays)),
            "{good}"
        );
        assert!(!good.contains("<details"), "{good}");
        let idle = of(&html, "idle");
        assert!(idle.contains(t(ShadowMsg::Unseen)), "{idle}");
        let title = lang.of("Rule idle", Some("规则idle"));
        assert!(idle.contains(title), "{idle}");
    }
    let zh = page(Lang::Zh, Some(&seen));
    assert!(!zh.contains(ShadowMsg::Gate.en()), "one language a page");
}

#[test]
fn where_nothing_was_read_the_page_says_what_it_knows() {
    let html = page(Lang::En, None);
    let row = of(&html, "loud");
    assert!(
        row.contains(">41<") && !row.contains(ShadowMsg::Stays.en()),
        "{row}"
    );
    let failed = Shadows {
        at: SAMPLE.now,
        complete: false,
        failed: Some("no broker".to_owned()),
        bars: Bars {
            min_days: 7.0,
            max_new_per_day: 20.0,
        },
        rules: Vec::new(),
    };
    let html = page(Lang::En, Some(&failed));
    assert!(html.contains(ShadowMsg::Failed.en()));
    assert!(!html.contains("no broker"), "the log has it");
}
