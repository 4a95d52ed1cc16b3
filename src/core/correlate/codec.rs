//! Bytes of a key's state.
//!
//! Invariant: the header says what a restore needs (version, kind, next timer) without decoding the body, and equal states
//! have equal bytes, so that an unchanged key is not written again.

use super::state::{Incident, KeyState, Previous, READABLE, STATE_VERSION, StateError};
use super::store::LANES;
use crate::core::model::{Millis, is_wide_key};

const HEADER: usize = 10;
const INCIDENT: u8 = 0;
const PREVIOUS: u8 = 1;
/// Stands for “no timer”.
const NEVER: i64 = i64::MAX;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// An incident, and not only the name of one.
    pub is_incident: bool,
    /// Next timer.
    pub due: Option<Millis>,
}

/// Encodes a state whose next timer is `due`.
pub(super) fn encode(state: &KeyState, due: Option<Millis>) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(512);
    bytes.push(STATE_VERSION);
    bytes.push(if matches!(state, KeyState::Incident(_)) {
        INCIDENT
    } else {
        PREVIOUS
    });
    bytes.extend_from_slice(&due.map_or(NEVER, |due| due.0).to_be_bytes());
    let written = match state {
        KeyState::Incident(incident) => rmp_serde::encode::write(&mut bytes, incident),
        KeyState::Previous(previous) => rmp_serde::encode::write(&mut bytes, previous),
    };
    // Writing to memory fails for no type of ours; a state without a body would be refused on restore.
    debug_assert!(written.is_ok());
    bytes.into_boxed_slice()
}

/// Reads the header.
pub(super) fn header(key: &str, bytes: &[u8]) -> Result<Header, StateError> {
    let damaged = |reason: &str| StateError::Damaged {
        key: key.to_owned(),
        reason: reason.to_owned(),
    };
    let [version, kind, due @ ..] = bytes else {
        return Err(damaged("shorter than a header"));
    };
    if !READABLE.contains(version) {
        return Err(StateError::Version {
            key: key.to_owned(),
            version: *version,
        });
    }
    let due: [u8; 8] = due
        .get(..HEADER - 2)
        .and_then(|due| due.try_into().ok())
        .ok_or_else(|| damaged("shorter than a header"))?;
    let due = i64::from_be_bytes(due);
    let is_incident = match *kind {
        INCIDENT => true,
        PREVIOUS => false,
        _ => return Err(damaged("neither an incident nor the name of one")),
    };
    Ok(Header {
        is_incident,
        due: (due != NEVER).then_some(Millis(due)),
    })
}

/// Decodes a whole state.
pub(super) fn decode(key: &str, bytes: &[u8]) -> Result<KeyState, StateError> {
    let header = header(key, bytes)?;
    let body = &bytes[HEADER..];
    let state = if header.is_incident {
        rmp_serde::from_slice::<Incident>(body).map(|mut incident| {
            // Version 5 had incidents that were both.
            incident.wide = is_wide_key(key);
            KeyState::Incident(Box::new(incident))
        })
    } else {
        rmp_serde::from_slice::<Previous>(body).map(KeyState::Previous)
    };
    state.map_err(|error| StateError::Damaged {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

/// The record of the clocks.
pub(super) fn clock_bytes(clocks: [Millis; LANES]) -> Vec<u8> {
    let mut bytes = vec![STATE_VERSION];
    for clock in clocks {
        bytes.extend_from_slice(&clock.0.to_be_bytes());
    }
    bytes
}

/// The clocks of such a record.
pub(super) fn clocks_of(bytes: &[u8]) -> Option<[Millis; LANES]> {
    let (version, rest) = bytes.split_first()?;
    let (chunks, tail) = rest.as_chunks::<8>();
    if !READABLE.contains(version) || !tail.is_empty() {
        return None;
    }
    let clocks: Vec<Millis> = chunks
        .iter()
        .map(|chunk| Millis(i64::from_be_bytes(*chunk)))
        .collect();
    clocks.try_into().ok()
}
