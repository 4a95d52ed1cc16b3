//! Codes of findings in the routing table.

crate::core::diagnostic::codes! {
    T_SHAPE "T0201" "the file is not a list of departments under `departments:`"
    T_KEY "T0202" "a key of a department that is not known"
    T_VALUE "T0203" "a key of a department that is missing or of the wrong form"
    T_HAZARD "T0204" "a department has a name that is no hazard of the taxonomy"
    T_TWICE "T0205" "two departments share an id"
    T_LEAD "T0206" "two departments lead one hazard, or one both leads and supports it"
    T_DUTY "T0207" "not exactly one department is on duty"
    T_DEADLINE "T0208" "a higher level has more time than a lower one"
    T_HOURS "T0209" "working hours that cannot be read, or that leave no time to work"
    T_ZONE "T0210" "working hours without a time zone, or with one that does not exist"
}
