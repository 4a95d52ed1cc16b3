//! Near-duplicates: SimHash over character 3-grams.
