//! Codes of findings in the files of places.

crate::core::diagnostic::codes! {
    UNREADABLE "T0901" "a file of places that is too large, or no text"
    HEADER "T0902" "a file of places with other columns than it needs"
    LINE "T0903" "a line that is no CSV, or has too few or too many columns"
    VALUE "T0904" "a value of a place that is out of its range or list"
    TOO_MANY "T0905" "more places or sites than are kept"
    TWICE "T0906" "a code that two places share"
    UNKNOWN_PLACE "T0907" "a parent, name or former code of a place that is not there"
    PARENT "T0908" "a place whose parent is not of a higher tier"
    SITE "T0909" "a site of the exposure file that cannot be placed or counted"
    NAMES "T0910" "names of places that cannot be indexed"
}
