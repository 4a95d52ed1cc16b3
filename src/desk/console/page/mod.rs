//! The pages: each a function from a view of plain values to markup, and the types of that view.

pub mod agenda;
pub mod audit;
pub mod board;
pub mod department;
pub mod drills;
pub mod evidence;
pub mod feeds;
pub mod growth;
pub mod heading;
pub mod incident;
pub mod judge;
pub mod kept;
pub mod muted;
pub mod obligations;
pub mod report;
pub mod row;
pub mod rules;
pub mod scenario;
pub mod search;
pub mod shadows;
pub mod silences;
pub mod since;
pub mod timeline;
