//! Stable codes of the findings about rule and lexicon files. A code never changes its meaning; a retired one is not reused.

pub use crate::core::yaml::{T_SYNTAX as SYNTAX, T_YAML as YAML};

macro_rules! codes {
    ($($name:ident $id:literal $doc:literal)*) => {
        $(#[doc = $doc] pub const $name: &str = $id;)*

        /// Every code with what it says, in order.
        pub const ALL: &[(&str, &str)] = &[
            (SYNTAX, "not well-formed YAML"),
            (YAML, "YAML beyond what is read: alias, tag, key twice, depth or size"),
            $(($id, $doc),)*
        ];
    };
}

codes! {
    MISSING_KEY "T0003" "a required key is missing"
    UNKNOWN_KEY "T0004" "a key that means nothing here"
    WRONG_TYPE "T0005" "a value of the wrong kind"
    BAD_VALUE "T0006" "a value out of its range or list"
    BAD_NAME "T0007" "an identifier of the wrong form"
    DUPLICATE_ID "T0008" "an identifier that another file has too"
    UNKNOWN_MODIFIER "T0009" "an unknown modifier"
    BAD_MODIFIERS "T0010" "modifiers that do not go together, or not with this field"
    BAD_REGEX "T0011" "a regular expression that does not compile"
    EMPTY_VALUE "T0012" "an empty value or list, which would match everything or nothing"
    UNKNOWN_LEXICON "T0013" "a lexicon that no file defines"
    BAD_TERM "T0014" "a term that cannot be matched"
    DUPLICATE_TERM "T0015" "a term that stands in its list twice"
    BAD_NEAR "T0016" "a `near` that names no two selections with terms"
    BAD_COUNT "T0017" "`count` or `weight` without one entry that it counts"
    BAD_CONDITION "T0018" "a condition that cannot be read"
    UNKNOWN_SELECTION "T0019" "a condition names a selection that the rule does not have"
    UNUSED_SELECTION "T0020" "a selection that no condition uses"
    UNKNOWN_HAZARD "T0021" "a hazard outside of the taxonomy"
    PLAIN_RULE "T0022" "a rule without `tocsin:` does not run on feeds"
    PERSON "T0023" "selecting or grouping by persons"
    NO_TRIGGER "T0024" "a rule that must look at every report"
    UNSUPPORTED "T0025" "a construct of Sigma or Tocsin that is not evaluated"
    UNKNOWN_RULE "T0026" "`replaces` names a rule that does not exist"
    UNKNOWN_DEPARTMENT "T0027" "a department that departments.yaml does not have"
    BAD_BASE "T0028" "`extends` names no rule that can be taken over: unknown, in a circle, or too many"
    WIDE_CORRELATION "T0029" "a correlation on feeds that reaches beyond one incident: other hazards, tiers, fields or correlations"
    BAD_GROWTH "T0030" "growth asked of a report, under a name that it does not have, or within bounds that nothing can meet"
    UNKNOWN_PLACEHOLDER "T0040" "a placeholder without values"
    BAD_ENCODING "T0041" "a value that cannot be encoded as its modifiers ask"
    UNKNOWN_REFERENCE "T0042" "a filter or correlation calls a rule that is not there"
    BAD_CORRELATION "T0043" "a correlation that cannot be evaluated"
    UNUSED_CONDITION "T0044" "a condition by name that nothing uses"
}
