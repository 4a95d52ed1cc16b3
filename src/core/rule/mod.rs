//! Rules: parse, check, compile, evaluate.
