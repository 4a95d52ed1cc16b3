//! Rules: every diagnostic code with its file, and the engine against plain evaluation of random rules.

mod backtest;
mod careful;
mod compared;
mod correlations;
mod eval_files;
mod extends;
mod filters;
mod golden;
mod growth;
mod large;
mod lint;
mod meeting;
mod naive;
mod printed;
mod schema;
mod shadow;
mod sigma;
mod sigma_exact;
mod sigma_naive;
mod sigma_oracle;
mod sigma_robust;
mod sigma_rules;
mod sigma_workload;
mod stream;
mod tools;
