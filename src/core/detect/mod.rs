//! The detect engine: decode, match, score and place one record.
