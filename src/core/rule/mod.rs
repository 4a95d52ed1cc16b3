//! Rules: Sigma-shaped YAML with a `tocsin:` block.
//!
//! Invariant: a rule that loads means exactly what its file says; what is not understood is a coded error, never a silent
//! non-match. Files may hold several rules as YAML documents (`---`).
//!
//! ```yaml
//! title: Gas leak or explosion, Chinese reports
//! id: 4f6d1d6e-6a0e-5a55-9d0a-0c8e7a9a1c01   # any unique text of [A-Za-z0-9._-], ≤ 64
//! status: stable            # stable | experimental: alerts;  test: shadow;  deprecated | unsupported: not evaluated
//! description: Gas escaping or gas explosions happening now.
//! level: high               # informational only; severity comes from tocsin.score
//! tags: [zh]
//! detection:
//!   gas:
//!     any|lexicon: gas_zh             # one lexicon, or a list of them (OR)
//!   boom:
//!     any|contains: [爆炸, 闪爆]       # substring; `|word` instead of `|contains` is whole-word in alphabetic scripts
//!   close:
//!     any|near: {of: [gas, boom], within: 12}   # a hit of each, at most 12 units apart (a CJK character or a word is one)
//!   several:
//!     any|lexicon: gas_zh
//!     any|count|gte: 2                # of the entry beside it on the same field: at least 2 distinct terms
//!   strong:
//!     any|lexicon: gas_zh
//!     any|weight|gte: 5               # likewise: the weights of its distinct terms add up to 5
//!   deaths:
//!     casualties.dead|gte: 3          # extracted numbers, or a field of the record by that name
//!   injuries:
//!     casualties.injured|gte: 1
//!   past:
//!     any|lexicon: retrospect_zh
//!   desk:
//!     kind: [news, post, hotline]     # kind, feed, lang are always there
//!   condition: desk and (close or several) and not past
//! tocsin:
//!   hazard: gas_leak                  # of core::model::Hazard; required
//!   title_zh: 燃气泄漏或爆炸（中文报告）   # optional: the title that Chinese pages show
//!   tier: county                      # township | county | city | province | country; default county
//!   growth_tiers: [city]              # wider tiers at which growth is looked for, too; see Growth
//!   quiet: 6h                         # s, m, h, d; 1m … 30d; default 6h
//!   # group_by: county, window: 6h    # the same as tier and quiet, in the words of correlations
//!   urgency: Immediate                # CAP; default Unknown (then the record's own cap.urgency counts)
//!   replaces: other-rule-id           # only with `status: test`
//!   departments:                      # beside the routing table
//!     - {id: fire, required: true}
//!     - {id: health}
//!   score:
//!     base: 40                        # 0–100; required
//!     because: gas leak reported      # optional, default the rule's title
//!     because_zh: 燃气泄漏报告
//!     add:
//!       - {when: deaths, points: 30, because: three or more dead, because_zh: 死亡三人以上}
//!       - {when: injuries and not deaths, points: 15, because: people hurt, because_zh: 有人受伤}
//!       - {weight_of: gas, up_to: 10, because: strong wording}   # Σ weights of distinct lexicon terms hit by a selection
//!       - {when: {growth.w2|gte: 6}, points: 10, because: many more than usual}   # of the incident: see Growth below
//! ```
//!
//! # Fields
//!
//! | name | is |
//! |---|---|
//! | `title`, `text` | masked, normalised headline and body |
//! | `any` | both: a hit in either (never across them) |
//! | `kind`, `feed`, `lang` | of the report |
//! | `casualties.dead`, `casualties.injured`, `casualties.missing`, `casualties.trapped`, `evacuated`, `magnitude`, `depth_km`, `area_ha` | numbers: the record's field of that name, else extracted from title and text |
//! | any other name | field of the record, as its decoder or mapping names it (`category`, `cap.severity` …) |
//!
//! `keywords` (a selection that is a list of plain values) searches `any`.
//!
//! # Selections
//!
//! A map is AND over its entries, a list of values OR, a list of maps OR over maps. Modifiers: `contains`, `startswith`,
//! `endswith`, `word`, `all`, `re` (with `i`, `m`, `s`), `cased`, `exists`, `lt`, `lte`, `gt`, `gte`, `neq`, `lexicon`, `count`,
//! `weight`, `near`. Without a modifier a value must equal the whole field. In plain values `*` and `?` are wildcards and `\` escapes
//! them, as in Sigma. `null` means the field is absent. `exists: true|false`.
//!
//! `|count|gte: n` and `|weight|gte: n` stand in the same map as exactly one entry with `lexicon`, `contains` or `word` on the same
//! field, and raise what that entry asks for: n distinct terms, or distinct terms whose weights add up to n (a literal weighs 1).
//!
//! # Condition
//!
//! `and`, `or`, `not`, parentheses (`not` binds strongest, then `and`), selection names, `1 of x*`, `all of x*`, `1 of them`,
//! `all of them` (`them`: every selection whose name does not begin with `_`), and names out of `tocsin.conditions`, a map of conditions: a
//! name stands for what its condition says, in parentheses; patterns with `*` and `them` mean selections only.
//!
//! # Growth
//!
//! A line of `score.add` whose `when` is a map asks what is known of the incident and not of a report: `growth.w2`, `growth.c2`,
//! `growth.observed` (docs/growth.md), with `lt`, `lte`, `gt`, `gte` or `neq`; all of them have to hold. Correlate adds its points to the
//! incident's score while they do and a report of the rule counts there; a line that two rules share counts once. While growth is
//! being learned nothing holds, `growth.observed|lt` neither. The severity of a report knows no such line.
//!
//! `growth_tiers` names tiers wider than the rule's own: a report is counted there as well, in an incident of the wider area that only the
//! count of its reports can put on the queue, and only where no single area of the next narrower tier makes more than half of it. It
//! touches no incident that a rule of that tier has there.
//!
//! # Extends
//!
//! ```yaml
//! title: What every Chinese rule knows
//! id: zh-base
//! detection:
//!   past: {any|lexicon: retrospect_zh}
//!   deaths: {casualties.dead|gte: 3}
//! tocsin:
//!   abstract: true                    # only there to be extended: no condition, hazard or score needed; never fires
//!   conditions:
//!     elsewhen: past and not deaths
//!   score:
//!     add:
//!       - {when: deaths, points: 30, because: three or more dead}
//! ---
//! title: Gas leak, Chinese reports
//! id: zh-gas
//! detection:
//!   gas: {any|lexicon: gas_zh}
//!   condition: gas and not elsewhen
//! tocsin:
//!   extends: zh-base                  # a rule's id, of any file, or a list; a live rule may be extended too
//!   hazard: gas_leak
//!   score: {base: 40}
//! ```
//!
//! A rule takes over `detection` and `tocsin` of its bases (theirs first, each once): selections by name, the condition, the keys of
//! `tocsin`, of `conditions` and of `score`; what it says itself counts, of several bases the later. Lines of `score.add` come after those of the
//! bases. `abstract`, `extends`, `replaces` and `title_zh` are not taken over, nor anything outside of the two blocks. A selection that was taken
//! over and is not used is dropped. At most 16 bases in all; a circle is an error (T0028). Findings about what was taken over are
//! placed at `extends`.
//!
//! # Correlations
//!
//! ```yaml
//! title: Smoke reported by several
//! id: much-smoke
//! correlation:
//!   type: event_count       # event_count | value_count | temporal | temporal_ordered
//!   rules: [zh-smoke, en-smoke]         # ids or names of live rules, of one hazard and tier
//!   group-by: [kind]        # optional: feed, kind, extracted numbers
//!   timespan: 30m
//!   condition: {gte: 5}     # value_count: {field: source, gte: 3}, of feed, kind, source, place, extracted numbers
//! tocsin:
//!   hazard: fire            # optional: that of its rules
//!   score: {base: 15, because: several people report smoke, because_zh: 多人报告烟雾}
//! ```
//!
//! It looks into one incident and adds its line to the incident's score when a window of its reports is within the bounds. Windows
//! slide with the reports, on their own times (`observed`, else `received`), in whatever order they come; a report counts once,
//! a near-duplicate not at all, a withdrawn one no more. Without a condition a temporal correlation wants all of its rules.
//! The line stays as long as the incident does and those reports count. Its rules detect by themselves as well (`generate`).
//! Events are kept up to `limits.correlation_events_per_key`. What a rule set changes about a correlation holds for the
//! incident from the next report of its rules on; where what is counted has changed, it begins anew. The stream has no
//! `value_sum`, `value_avg`, `value_percentile`, aliases, chains or wider groups (T0025, T0029): without a `tocsin:` block
//! `rules eval` evaluates these.
//!
//! # Lexicons
//!
//! ```yaml
//! lexicon: gas_zh           # name, [a-z0-9_]+
//! lang: zh                  # optional
//! mode: word                # default mode: word | substring | prefix; CJK edges are never word-bounded
//! weight: 1                 # default weight, 0–100
//! unless: [演练]             # contexts for every term of the lexicon
//! terms:
//!   - 燃气泄漏
//!   - 煤气爆炸
//!   - gas leak*             # a trailing `*` is mode prefix: “gas leaks”, “gas leaking”
//!   - {term: 闪爆, weight: 3}
//!   - {term: 火, unless: [火锅, 火车, 走火入魔]}       # no hit where it lies inside such a context
//!   - {term: fire, unless: [mixtape, "fire sale"]}  # a context without the term: no hit when it stands within 5 units
//!   - {term: LPG, mode: substring}
//! ```
//!
//! Terms are normalised as texts are, so that one spelling is enough: `ＬＰＧ`, `lpg` and 煤氣/煤气 are the same.

mod ast;
mod block;
pub mod codes;
mod compile;
mod condition;
mod correlate;
mod correlation;
mod filter;
mod head;
mod inherit;
mod layout;
mod lower;
mod parse;
mod pattern;
mod pcre;
mod print;
pub mod program;
mod prune;
mod score;
mod selection;
pub mod sigma;
mod wording;

pub use ast::*;
pub use compile::{absent, compile};
pub use correlate::correlate;
pub use filter::callable;
pub use parse::{Called, Parsed, parse, parse_all, parse_set};
pub use pattern::{Pattern, is_word};
pub use print::{Entry, condition_text, entries, growth_text, print};

/// The JSON Schema of a rule with a `tocsin:` block, for editors.
pub const SCHEMA: &str = include_str!("rule.schema.json");
