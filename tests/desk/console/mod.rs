//! Pages of the console from the sample feed, from hostile text, and in a real browser.

mod access;
mod browser;
mod forms;
mod hostile;
mod pages;
mod sample;
mod server;
mod shadows;
mod views;
