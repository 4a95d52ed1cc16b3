//! Pages of the console from the sample feed, from hostile text, and in a real browser.

mod browser;
mod hostile;
mod pages;
mod sample;
mod server;
