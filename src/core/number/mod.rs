//! Numbers in text: casualties, magnitude, evacuated.
