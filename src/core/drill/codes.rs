//! Stable codes of the findings about scenario files. A code never changes its meaning; a retired one is not reused.

use crate::core::diagnostic::codes;

codes! {
    NOT_A_SCENARIO "T0301" "the file is not one scenario of a drill"
    UNKNOWN_KEY "T0302" "a key of a scenario that is not known"
    MISSING_KEY "T0303" "a key of a scenario that is missing or of the wrong form"
    BAD_VALUE "T0304" "a value of a scenario that is out of its range or list"
    UNDEFINED "T0305" "a text, slot, place or step that the scenario does not define"
    DEFINED_TWICE "T0306" "two steps or expectations of a scenario share a name"
    UNUSED "T0307" "a text, slot or place of a scenario that nothing uses"
    UNKNOWN_FEED "T0308" "a feed that the configuration does not have, or that cannot carry the reports of a step"
    UNKNOWN_PLACE "T0309" "a place of a scenario that the gazetteer does not have"
    UNKNOWN_DEPARTMENT "T0310" "a department of a scenario that departments.yaml does not have"
    TOO_LATE "T0311" "a step or a target that is later than the drill lasts"
    NO_WORDING "T0312" "a text or slot without wording in a language that a step asks for"
    TOO_MANY "T0313" "more simulated reports than a drill may have"
}
