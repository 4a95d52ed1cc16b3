//! Decoders and masking, from the outside: real files, hostile bytes, and what must never survive.

mod command;
mod feeds;
mod hostile;
mod masking;
mod privacy;
mod schema;
mod support;
