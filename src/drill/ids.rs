//! Ids that a run can have.

use super::RoomError;
use crate::core::detect::is_exercise_id;

/// Ids that no run can have: the last part of a run's address is its id, and these lead elsewhere.
pub const RESERVED_EXERCISES: [&str; 4] = ["check", "new", ".", ".."];

/// Whether a run can have this id.
pub fn run_id(id: &str) -> Result<(), RoomError> {
    if !is_exercise_id(id) {
        return Err(RoomError::BadExercise(id.chars().take(64).collect()));
    }
    if RESERVED_EXERCISES.contains(&id) {
        return Err(RoomError::Reserved(id.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_is_no_id() {
        assert!(run_id("check-1").is_ok() && run_id("Check").is_ok());
        for id in RESERVED_EXERCISES {
            let why = run_id(id).unwrap_err().to_string();
            assert!(why.contains(&format!("`{id}`")), "{why}");
        }
        assert!(matches!(run_id("a/b"), Err(RoomError::BadExercise(_))));
    }
}
