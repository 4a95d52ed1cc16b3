//! Growth: the statistics against R's `surveillance` and against slow implementations of the same pages.

mod baseline;
mod ears;
mod gauges;
mod measure;
mod w2;
