//! A token as it is known, and what a wish for one has to be.
//!
//! Invariant: a token always ends, an officer always has a department, and a name is harmless wherever it is shown.

use std::sync::Arc;

use serde::Serialize;

use super::secret::NoRandomness;
use crate::core::model::Millis;
use crate::core::obligation::Role;
use crate::desk::StoreError;

/// Longest life of a token, days.
pub const MAX_DAYS: u32 = 400;
/// Life of a token when none is stated, days.
pub const DEFAULT_DAYS: u32 = 90;
/// Longest name, in characters.
pub const MAX_NAME: usize = 64;
/// Live tokens at a time.
pub const MAX_LIVE: i64 = 10_000;

/// What is wrong with a wish about tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A field that cannot be so.
    #[error("{field}: {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A live token has the name.
    #[error("a live token is called `{0}`: revoke it first, or choose another name")]
    Taken(String),
    /// There is no such token.
    #[error("there is no such token: `tocsin token list --all` shows those there are")]
    NotFound,
    /// As many as there may be.
    #[error("{MAX_LIVE} tokens are live: revoke some first")]
    TooMany,
    /// No random numbers.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The database.
    #[error("the store does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a token is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Never given out.
    Unknown,
    /// Its time is over.
    Expired,
    /// Taken back.
    Revoked,
}

/// A token as it is known; its text is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Token {
    /// Public id, part of the text.
    pub id: String,
    /// Name of the account: what audit events call it.
    pub name: String,
    /// Role.
    #[schema(schema_with = super::routes::shape::role)]
    pub role: Role,
    /// An officer's department; a read-only token may have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub department: Option<Arc<str>>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// Name of the account that made it; `-` for the command line.
    pub created_by: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Millis,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Millis>,
    /// When it was last used, within a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Millis>,
}

impl Token {
    /// Whether it is heard at `now`, and if not, why.
    pub fn heard(&self, now: Millis) -> Result<(), Unheard> {
        if self.revoked_at.is_some() {
            return Err(Unheard::Revoked);
        }
        if self.expires_at <= now {
            return Err(Unheard::Expired);
        }
        Ok(())
    }

    /// `live`, `expired` or `revoked`.
    pub fn standing(&self, now: Millis) -> &'static str {
        match self.heard(now) {
            Ok(()) => "live",
            Err(Unheard::Revoked) => "revoked",
            Err(Unheard::Expired | Unheard::Unknown) => "expired",
        }
    }
}

/// A token to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Name of the account.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Department.
    pub department: Option<String>,
    /// Days until it ends.
    pub days: u32,
}

impl NewToken {
    /// Whether it can be made. Whether the department exists is the caller's to know: `known` says.
    pub fn check(&self, known: impl Fn(&str) -> bool) -> Result<(), TokenError> {
        let wrong = |field, why: String| Err(TokenError::Field { field, why });
        let length = self.name.chars().count();
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        let ends = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if length > MAX_NAME
            || !self.name.chars().all(plain)
            || !ends(self.name.chars().next())
            || !ends(self.name.chars().next_back())
        {
            let why = format!(
                "1 to {MAX_NAME} letters, digits, spaces and `-_.`, beginning and ending with a letter or digit"
            );
            return wrong("name", why);
        }
        match (self.role, self.department.as_deref()) {
            (Role::Officer, None) => {
                return wrong(
                    "department",
                    "an officer acts for one department: name it".to_owned(),
                );
            }
            (Role::Analyst | Role::Coordinator | Role::Operator, Some(_)) => {
                let why = format!(
                    "role {} is not tied to a department: leave it out",
                    self.role.id()
                );
                return wrong("department", why);
            }
            (_, Some(department)) if !known(department) => {
                let why = "there is no such department in the routing table".to_owned();
                return wrong("department", why);
            }
            _ => {}
        }
        if !(1..=MAX_DAYS).contains(&self.days) {
            return wrong("days", format!("1 to {MAX_DAYS}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(name: &str, role: Role, department: Option<&str>, days: u32) -> Option<&'static str> {
        let wish = NewToken {
            name: name.to_owned(),
            role,
            department: department.map(str::to_owned),
            days,
        };
        match wish.check(|id| id == "fire") {
            Ok(()) => None,
            Err(TokenError::Field { field, .. }) => Some(field),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_wish_is_checked_field_by_field() {
        use Role::{Analyst, Officer, ReadOnly};
        assert_eq!(wish("值班 desk-1", Analyst, None, 90), None);
        assert_eq!(wish("fire.officer", Officer, Some("fire"), 1), None);
        assert_eq!(wish("wall", ReadOnly, Some("fire"), MAX_DAYS), None);
        for name in [
            "",
            " x",
            "x ",
            "=x",
            "a\tb",
            "a\nb",
            "<b>",
            "a|b",
            "-a",
            &"x".repeat(65),
        ] {
            assert_eq!(wish(name, Analyst, None, 90), Some("name"), "{name:?}");
        }
        assert_eq!(wish("x", Officer, None, 90), Some("department"));
        assert_eq!(wish("x", Officer, Some("nobody"), 90), Some("department"));
        assert_eq!(wish("x", Analyst, Some("fire"), 90), Some("department"));
        assert_eq!(wish("x", Analyst, None, 0), Some("days"));
        assert_eq!(wish("x", Analyst, None, MAX_DAYS + 1), Some("days"));
    }
}
