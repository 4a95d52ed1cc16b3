//! Rules: every diagnostic code with its file, and the engine against plain evaluation of random rules.

mod golden;
mod naive;
mod tools;
