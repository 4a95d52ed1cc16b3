//! Configuration: file, environment, flags; and the files of a rule set.
