//! Tokens and sessions in a store: what is heard, until when, and what is kept of it.

use tocsin::core::model::Millis;
use tocsin::core::obligation::{Actor, EventKind, Role};
use tocsin::desk::Store;
use tocsin::desk::http::sessions::{MAX_PER_TOKEN, SessionLife, Sessions};
use tocsin::desk::http::token::{NewToken, TokenError, Unheard};
use tocsin::desk::http::tokens::Tokens;

use super::secret_of;

const DAY: i64 = 86_400_000;
const NOW: Millis = Millis(1_800_000_000_000);
const LIFE: SessionLife = SessionLife {
    idle: 60_000,
    absolute: 600_000,
};

async fn store() -> Store {
    Store::open("sqlite::memory:").await.unwrap()
}

/// Who makes and revokes.
fn by() -> Actor {
    Actor::new("-", Role::Operator)
}

fn wish(name: &str, role: Role) -> NewToken {
    NewToken {
        name: name.to_owned(),
        role,
        department: (role == Role::Officer).then(|| "fire".to_owned()),
        days: 1,
    }
}

#[tokio::test]
async fn a_token_is_heard_until_it_ends_and_its_text_is_nowhere() {
    let store = store().await;
    let tokens = Tokens::new(store.clone());
    let (token, text) = tokens
        .create(&wish("desk-1", Role::Officer), &by(), NOW)
        .await
        .unwrap();
    let text = text.expose();
    assert_eq!(tokens.live(NOW).await.unwrap(), 1);
    let verified = tokens.verify(text, NOW.plus(5)).await.unwrap().unwrap();
    assert_eq!(
        (verified.id.as_str(), verified.department.as_deref()),
        (token.id.as_str(), Some("fire"))
    );

    // The last letter of a secret carries bits that decoders ignore: the text is compared, not what it decodes to.
    let mut wrong = text.to_owned();
    let last = if wrong.ends_with('A') { 'B' } else { 'A' };
    wrong.pop();
    wrong.push(last);
    for wrong in [
        wrong.as_str(),
        "",
        "tocsin",
        &text[..text.len() - 1],
        &format!("{text}A"),
        &text.to_uppercase(),
    ] {
        assert_eq!(
            tokens.verify(wrong, NOW).await.unwrap(),
            Err(Unheard::Unknown),
            "{wrong}"
        );
    }
    assert_eq!(
        tokens
            .verify(text, NOW.plus(DAY - 1))
            .await
            .unwrap()
            .map(|_| ()),
        Ok(())
    );
    assert_eq!(
        tokens
            .verify(text, NOW.plus(DAY))
            .await
            .unwrap()
            .map(|_| ()),
        Err(Unheard::Expired)
    );

    let secret = secret_of(text);
    let dump: Vec<(String, String)> =
        sqlx::query_as("SELECT id, name || role || hash || created_by FROM desk_token")
            .fetch_all(store.pool())
            .await
            .unwrap();
    assert!(!format!("{dump:?}").contains(secret));
}

#[tokio::test]
async fn a_revoked_token_stays_so_and_frees_its_name() {
    let tokens = Tokens::new(store().await);
    let (token, text) = tokens
        .create(&wish("desk-1", Role::Analyst), &by(), NOW)
        .await
        .unwrap();
    let again = tokens
        .create(&wish("desk-1", Role::Analyst), &by(), NOW)
        .await;
    assert!(matches!(again, Err(TokenError::Taken(name)) if name == "desk-1"));

    let revoked = tokens.revoke("desk-1", &by(), NOW.plus(10)).await.unwrap();
    assert_eq!(
        (revoked.id.as_str(), revoked.revoked_at),
        (token.id.as_str(), Some(NOW.plus(10)))
    );
    assert_eq!(
        tokens
            .verify(text.expose(), NOW.plus(11))
            .await
            .unwrap()
            .map(|_| ()),
        Err(Unheard::Revoked)
    );
    // Once more changes nothing.
    let revoked = tokens.revoke(&token.id, &by(), NOW.plus(20)).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(NOW.plus(10)));
    assert!(matches!(
        tokens.revoke("desk-1", &by(), NOW).await,
        Err(TokenError::NotFound)
    ));

    let (other, _) = tokens
        .create(&wish("desk-1", Role::Analyst), &by(), NOW.plus(30))
        .await
        .unwrap();
    assert_ne!(other.id, token.id);
    let all = tokens.list(true, NOW.plus(40)).await.unwrap();
    let ids: Vec<&str> = all.iter().map(|token| token.id.as_str()).collect();
    assert_eq!(ids, [other.id.as_str(), token.id.as_str()]);
    assert_eq!(tokens.list(false, NOW.plus(40)).await.unwrap(), [other]);
}

#[tokio::test]
async fn an_expired_token_frees_its_name_too() {
    let tokens = Tokens::new(store().await);
    let (_, old) = tokens
        .create(&wish("desk-1", Role::Analyst), &by(), NOW)
        .await
        .unwrap();
    let later = NOW.plus(2 * DAY);
    assert_eq!(tokens.live(later).await.unwrap(), 0);
    // It counts for the alarm until it is replaced: whoever used it is locked out.
    assert_eq!(tokens.expiry(NOW).await.unwrap(), Some(NOW.plus(DAY)));
    assert_eq!(tokens.expiry(later).await.unwrap(), Some(NOW.plus(DAY)));
    assert_eq!(tokens.expiry(NOW.plus(9 * DAY)).await.unwrap(), None);
    let (_, new) = tokens
        .create(&wish("desk-1", Role::Analyst), &by(), later)
        .await
        .unwrap();
    assert!(tokens.verify(new.expose(), later).await.unwrap().is_ok());
    assert!(tokens.verify(old.expose(), later).await.unwrap().is_err());
    assert_eq!(tokens.expiry(later).await.unwrap(), Some(later.plus(DAY)));
    tokens.revoke("desk-1", &by(), later).await.unwrap();
    assert_eq!(tokens.expiry(later).await.unwrap(), None);
}

#[tokio::test]
async fn the_time_of_last_use_is_kept_to_the_minute() {
    let tokens = Tokens::new(store().await);
    let (token, text) = tokens
        .create(&wish("desk-1", Role::Analyst), &by(), NOW)
        .await
        .unwrap();
    let mut seen = Vec::new();
    for at in [0, 59_999, 60_000, 61_000] {
        tokens
            .verify(text.expose(), NOW.plus(at))
            .await
            .unwrap()
            .unwrap();
        seen.push(
            tokens
                .get(&token.id)
                .await
                .unwrap()
                .unwrap()
                .last_used_at
                .unwrap()
                .since(NOW),
        );
    }
    assert_eq!(seen, [0, 0, 60_000, 60_000]);
}

#[tokio::test]
async fn a_session_ends_when_idle_when_old_with_its_token_and_at_logout() {
    let store = store().await;
    let tokens = Tokens::new(store.clone());
    let sessions = Sessions::new(store.clone(), LIFE);
    let (token, _) = tokens
        .create(&wish("desk-1", Role::Analyst), &by(), NOW)
        .await
        .unwrap();
    let find = async |secret: &str, at: i64, active| {
        let found = sessions.find(secret, NOW.plus(at), active).await.unwrap();
        found.is_some_and(|found| found.id == token.id)
    };
    let secret = sessions.begin(&token, NOW).await.unwrap();
    let text = secret.expose();
    assert!(!find("wrong", 0, true).await && !find("", 0, true).await);
    // Idle: a stream that only looks does not keep it.
    assert!(find(text, 59_999, false).await);
    assert!(!find(text, 60_000, true).await);
    // Kept by requests, until it is old.
    for at in (0..600_000).step_by(50_000) {
        assert!(find(text, at, true).await, "{at}");
    }
    assert!(!find(text, 600_000, true).await);

    let stored: Vec<(String,)> = sqlx::query_as("SELECT hash FROM desk_session")
        .fetch_all(store.pool())
        .await
        .unwrap();
    assert!(!format!("{stored:?}").contains(text));

    let other = sessions.begin(&token, NOW).await.unwrap();
    assert!(find(other.expose(), 1, true).await);
    sessions.end(other.expose()).await.unwrap();
    assert!(!find(other.expose(), 1, true).await);

    let other = sessions.begin(&token, NOW).await.unwrap();
    tokens.revoke("desk-1", &by(), NOW.plus(1)).await.unwrap();
    assert!(!find(other.expose(), 2, true).await);
}

#[tokio::test]
async fn sessions_of_one_token_are_bounded_and_old_ones_forgotten() {
    let store = store().await;
    let sessions = Sessions::new(store.clone(), LIFE);
    let (token, _) = Tokens::new(store.clone())
        .create(&wish("desk-1", Role::Analyst), &by(), NOW)
        .await
        .unwrap();
    let first = sessions.begin(&token, NOW).await.unwrap();
    for at in 1..=MAX_PER_TOKEN {
        sessions.begin(&token, NOW.plus(at)).await.unwrap();
    }
    assert!(
        sessions
            .find(first.expose(), NOW.plus(100), true)
            .await
            .unwrap()
            .is_none()
    );
    let count = async || -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM desk_session")
            .fetch_one(store.pool())
            .await
            .unwrap()
    };
    assert_eq!(count().await, MAX_PER_TOKEN);
    sessions
        .begin(&token, NOW.plus(LIFE.absolute * 2))
        .await
        .unwrap();
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn who_made_and_revoked_a_token_is_in_the_chained_trail() {
    let store = store().await;
    let tokens = Tokens::new(store.clone());
    let operator = Actor::new("op-1", Role::Operator);
    let (token, text) = tokens
        .create(&wish("desk-1", Role::Officer), &operator, NOW)
        .await
        .unwrap();
    // What is refused leaves nothing.
    let taken = tokens
        .create(&wish("desk-1", Role::Officer), &operator, NOW)
        .await;
    assert!(matches!(taken, Err(TokenError::Taken(_))));
    for _ in 0..2 {
        tokens
            .revoke("desk-1", &by(), NOW.plus(5))
            .await
            .map_or_else(|error| assert!(matches!(error, TokenError::NotFound)), drop);
        tokens.revoke(&token.id, &by(), NOW.plus(6)).await.unwrap();
    }
    let trail = store.audit(0, 10).await.unwrap();
    let said: Vec<_> = trail
        .iter()
        .map(|it| {
            let by = it.event.actor.as_ref().unwrap();
            (it.event.kind, by.name.as_str(), it.event.at)
        })
        .collect();
    assert_eq!(
        said,
        [
            (EventKind::TokenCreated, "op-1", NOW),
            (EventKind::TokenRevoked, "-", NOW.plus(5)),
        ]
    );
    let made = &trail[0].event;
    assert_eq!(made.after["token"], token.id.as_str());
    assert_eq!(made.after["role"], "officer");
    assert_eq!(made.department.as_deref(), Some("fire"));
    let secret = secret_of(text.expose());
    assert!(!format!("{trail:?}").contains(secret));
    let verified = store.verify_audit(|_| ()).await.unwrap();
    assert_eq!((verified.rows, verified.faults.len()), (2, 0));
    let published = store.outgoing(10, &[]).await.unwrap();
    assert!(
        published
            .iter()
            .all(|it| it.topic == "decisions" && it.key == token.id)
    );
    assert_eq!(published.len(), 2);
}
