//! What the tools of rule writers work out: cases run on a virtual clock, explanations, findings beyond those that keep a
//! rule set from loading.
//!
//! Invariant: the engine is the one of production; nothing here decides what a rule means.

pub mod backtest;
pub mod case;
pub(crate) mod convert;
mod describe;
pub mod diff;
mod expected;
pub mod explain;
mod facets;
pub mod fix;
pub mod junit;
pub mod labelled;
pub mod lint;
mod logic;
mod meeting;
mod meeting_case;
pub mod promotion;
pub mod quality;
pub mod run;
pub mod shadow;
pub mod stats;
mod terms;
pub mod unknown;
mod wanted;
