//! The gazetteer: codes, coordinates and mentions to one place.
//!
//! Invariant: a pure function of the files it was built from and of the query. Nothing here is about people: a place is
//! an administrative area, a populated place, a grid cell, or none.
//!
//! ```text
//! code ──► get                       china.csv.gz  world.csv.gz  names.csv  guarded.txt  exposure.csv
//! coordinates ──► nearest ─┐                         │ source
//! name, title, text ──► mention ──► choose ──► Resolved ◄── Gazetteer
//! ```

mod browse;
mod candidates;
mod choose;
pub mod codes;
mod exposure;
mod gazetteer;
mod mention;
mod names;
mod nearest;
mod resolve;
mod source;
mod words;

pub use candidates::Candidate;
pub use exposure::MAX_EXPOSURE;
pub use gazetteer::Gazetteer;
pub use nearest::{GRID_DEGREES, NEAREST_KM, distance_km};
pub use resolve::{MAX_ALSO, PlaceQuery, Resolved};
pub use source::{GazetteerSources, PlaceFile};
