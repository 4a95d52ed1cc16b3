//! Codes of findings in the routing table.

/// The file is not a list of departments under `departments:`.
pub(super) const T_SHAPE: &str = "T0201";
/// A key that is not known.
pub(super) const T_KEY: &str = "T0202";
/// A required key is missing or of the wrong form.
pub(super) const T_VALUE: &str = "T0203";
/// A name that is no hazard of the taxonomy.
pub(super) const T_HAZARD: &str = "T0204";
/// Two departments share an id.
pub(super) const T_TWICE: &str = "T0205";
/// Two departments lead one hazard, or one both leads and supports it.
pub(super) const T_LEAD: &str = "T0206";
/// Not exactly one department is on duty.
pub(super) const T_DUTY: &str = "T0207";
/// A higher level has more time than a lower one.
pub(super) const T_DEADLINE: &str = "T0208";
