//! Who may do what: one table, which routes and tests share.
//!
//! Invariant: nothing is allowed that [`allowed`] does not name; an officer never acts for a department that is not its own, and a
//! token of one department never reads another one's page. What may be done to an incident is [`Action::permit`], which the desk
//! applies again in the transaction that does it; who may silence is [`mute::permit`], likewise.

use crate::core::mute;
use crate::core::obligation::{Action, Actor, Role};

/// What a request is about to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Permission<'a> {
    /// Read what all share: board, incidents, agenda, search, rules, feeds, events.
    Read,
    /// Read a department's obligations and on-time rate.
    ReadDepartment(&'a str),
    /// Read the audit log of the whole desk.
    ReadAudit,
    /// Do something to an incident.
    Act(&'a Action),
    /// Open an incident from a telephone call.
    Report,
    /// Silence what a department would be told; none: what all would be told.
    Silence(Option<&'a str>),
    /// Take red out of hearing.
    SilenceRed,
    /// End silences; whose, the desk looks at.
    EndSilence,
    /// Have dead notifications tried again.
    RetryNotifications,
    /// List, create and revoke tokens.
    Tokens,
    /// Scenarios of drills, their runs and reports: whoever takes part would see them beforehand.
    Drill,
}

impl Permission<'_> {
    /// Identifier in problem documents.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadDepartment(_) => "read_department",
            Self::ReadAudit => "read_audit",
            Self::Act(action) => action.id(),
            Self::Report => "report",
            Self::Silence(_) => "silence",
            Self::SilenceRed => "silence_red",
            Self::EndSilence => "end_silence",
            Self::RetryNotifications => "retry_notifications",
            Self::Tokens => "tokens",
            Self::Drill => "drill",
        }
    }
}

/// Whether this account may do this.
pub fn allowed(actor: &Actor, permission: Permission<'_>) -> bool {
    match (permission, actor.role) {
        (Permission::Read, _) => true,
        (Permission::ReadDepartment(department), _) => actor
            .department
            .as_deref()
            .is_none_or(|own| own == department),
        (Permission::ReadAudit, Role::Analyst | Role::Coordinator | Role::Operator) => true,
        (Permission::Act(action), _) => action.permit(actor).is_ok(),
        (Permission::Report | Permission::SilenceRed, Role::Analyst | Role::Coordinator) => true,
        (Permission::Silence(department), _) => mute::permit(actor, department).is_ok(),
        (Permission::EndSilence, role) => role != Role::ReadOnly,
        (Permission::RetryNotifications, Role::Coordinator | Role::Operator) => true,
        (Permission::Tokens, Role::Operator) | (Permission::Drill, Role::Coordinator) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The table as people read it: per permission the roles read-only, analyst, officer, coordinator, operator; an officer and
    /// a read-only token of `fire`. `y`: for any department, `o`: for its own only, `-`: not at all.
    const TABLE: &[(&str, &str)] = &[
        ("read", "yyyyy"),
        ("read_department", "oyoyy"),
        ("read_audit", "-y-yy"),
        ("report", "-y-y-"),
        ("silence", "-yoyy"),
        ("silence_all", "-y-yy"),
        ("silence_red", "-y-y-"),
        ("end_silence", "-yyyy"),
        ("retry_notifications", "---yy"),
        ("tokens", "----y"),
        ("drill", "---y-"),
        ("acknowledge", "--oy-"),
        ("start", "--oy-"),
        ("dispose", "--oy-"),
        ("transfer", "--oy-"),
        ("accept", "--oy-"),
        ("decline", "--oy-"),
        ("waive", "---y-"),
        ("note", "-yyy-"),
        ("watch", "-yyy-"),
        ("unwatch", "-yyy-"),
        ("assess", "-y-y-"),
        ("correct", "-y-y-"),
        ("uncorrect", "-y-y-"),
        ("duplicate", "-y-y-"),
        ("meeting", "-yyy-"),
        ("reopen", "-y-y-"),
    ];

    /// The action of this name for a department, where it is for one.
    fn action(id: &str, department: &str) -> Option<Action> {
        let reason = "because";
        let action = match id {
            "acknowledge" | "start" | "accept" => json!({"department": department}),
            "dispose" => json!({"department": department, "disposition": "confirmed"}),
            "transfer" => json!({"department": department, "to": "health", "reason": reason}),
            "decline" | "waive" => json!({"department": department, "reason": reason}),
            "note" => json!({"text": reason}),
            "watch" | "unwatch" => json!({}),
            "assess" => json!({"disposition": "confirmed"}),
            "correct" => json!({"level": "red", "reason": reason}),
            "uncorrect" => json!({"field": "level", "reason": reason}),
            "duplicate" => json!({"of": uuid::Uuid::nil(), "reason": reason}),
            "meeting" | "reopen" => json!({"reason": reason}),
            _ => return None,
        };
        let mut action = action;
        action["action"] = json!(id);
        Some(serde_json::from_value(action).unwrap())
    }

    fn actor(role: Role) -> Actor {
        let scoped = matches!(role, Role::Officer | Role::ReadOnly);
        Actor {
            name: "x".to_owned(),
            role,
            department: scoped.then(|| "fire".into()),
        }
    }

    #[test]
    fn the_table_is_what_it_says() {
        for (id, cells) in TABLE {
            for (role, cell) in Role::ALL.iter().zip(cells.chars()) {
                for (department, own) in [("fire", true), ("health", false)] {
                    let action = action(id, department);
                    let permission = match (*id, &action) {
                        (_, Some(action)) => Permission::Act(action),
                        ("read", _) => Permission::Read,
                        ("read_department", _) => Permission::ReadDepartment(department),
                        ("read_audit", _) => Permission::ReadAudit,
                        ("report", _) => Permission::Report,
                        ("silence", _) => Permission::Silence(Some(department)),
                        ("silence_all", _) => Permission::Silence(None),
                        ("silence_red", _) => Permission::SilenceRed,
                        ("end_silence", _) => Permission::EndSilence,
                        ("retry_notifications", _) => Permission::RetryNotifications,
                        ("tokens", _) => Permission::Tokens,
                        ("drill", _) => Permission::Drill,
                        _ => panic!("{id}"),
                    };
                    assert_eq!(permission.id(), id.trim_end_matches("_all"));
                    let expected = cell == 'y' || (cell == 'o' && own);
                    let found = allowed(&actor(*role), permission);
                    assert_eq!(found, expected, "{} {id} {department}", role.id());
                }
            }
        }
        // Without a department an acknowledgement is an analyst's of the incident as such.
        let analysts = Action::Acknowledge { department: None };
        let may: Vec<bool> = Role::ALL
            .iter()
            .map(|role| allowed(&actor(*role), Permission::Act(&analysts)))
            .collect();
        assert_eq!(may, [false, true, false, true, false]);
    }

    #[test]
    fn a_token_without_a_department_reads_every_one() {
        let actor = Actor::new("wall", Role::ReadOnly);
        assert!(allowed(&actor, Permission::ReadDepartment("fire")));
    }
}
