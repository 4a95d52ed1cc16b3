//! The gazetteer: codes, coordinates and mentions to one place.
