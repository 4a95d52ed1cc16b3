//! Text normalisation in one pass over one table.
