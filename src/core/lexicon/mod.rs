//! Lexicons and the one automaton over all terms and rule literals.
