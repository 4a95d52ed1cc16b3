//! Rules: every diagnostic code with its file, and the engine against plain evaluation of random rules.

mod backtest;
mod golden;
mod lint;
mod naive;
mod tools;
