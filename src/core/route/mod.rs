//! Departments and who is responsible for what.
