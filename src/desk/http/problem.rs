//! Errors as `application/problem+json` (RFC 9457), each with a stable code.
//!
//! Invariant: no problem holds text of a report, SQL or a secret; what went wrong inside is logged, not told.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What is wrong: a closed list, stable over versions.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No token, and no session.
    TokenMissing,
    /// A token that was never given out.
    TokenUnknown,
    /// A token whose time is over.
    TokenExpired,
    /// A token that was taken back.
    TokenRevoked,
    /// The role, or the department, does not allow it.
    Forbidden,
    /// A change from a page without its CSRF token, or from another site.
    CrossSite,
    /// A name in `Host` that is not this service's.
    WrongHost,
    /// There is no such thing.
    NotFound,
    /// The thing is there, and this method is not.
    MethodNotAllowed,
    /// What was sent cannot be read.
    BadRequest,
    /// A field has a value that it cannot have.
    BadValue,
    /// A change needs `If-Match`.
    PreconditionRequired,
    /// Somebody was faster: the current version is in `version`.
    VersionConflict,
    /// The state of the incident, or of the silence, does not allow it.
    Refused,
    /// A name that is taken.
    Taken,
    /// The body is too large.
    BodyTooLarge,
    /// The body is of another kind.
    UnsupportedMediaType,
    /// Too many requests of this token or address.
    RateLimited,
    /// Too many event streams.
    TooManyStreams,
    /// It took too long.
    Timeout,
    /// The store, or Kafka, does not answer.
    Unavailable,
    /// A defect of Tocsin.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 22] = [
        Self::TokenMissing,
        Self::TokenUnknown,
        Self::TokenExpired,
        Self::TokenRevoked,
        Self::Forbidden,
        Self::CrossSite,
        Self::WrongHost,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BadRequest,
        Self::BadValue,
        Self::PreconditionRequired,
        Self::VersionConflict,
        Self::Refused,
        Self::Taken,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimited,
        Self::TooManyStreams,
        Self::Timeout,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The HTTP status it comes with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TokenMissing | Self::TokenUnknown | Self::TokenExpired | Self::TokenRevoked => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::BadValue => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::VersionConflict => StatusCode::PRECONDITION_FAILED,
            Self::Refused | Self::Taken => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited | Self::TooManyStreams => StatusCode::TOO_MANY_REQUESTS,
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A problem, as handlers make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which problem it is.
    pub code: Code,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// The field, header or parameter that is wrong.
    pub field: Option<&'static str>,
    /// The current version of the incident, after `version_conflict`.
    pub version: Option<u64>,
    /// Which rule of the case refused, after `refused`.
    pub reason: Option<&'static str>,
    /// Seconds to wait.
    pub retry_after: Option<u64>,
}

/// A problem as it is sent.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// Always `about:blank`: `code` says which.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The phrase of the status.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// Which problem it is.
    code: Code,
    /// What is wrong here, and what to do.
    detail: &'a str,
    /// The field, header or parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The current version of the incident, after `version_conflict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// Which rule of the case refused, after `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Seconds to wait, after `rate_limited`, `too_many_streams` and `unavailable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem with its detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            field: None,
            version: None,
            reason: None,
            retry_after: None,
        }
    }

    /// What a status alone says, where nothing more is known.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => return Self::not_found("page"),
            StatusCode::FORBIDDEN => (Code::Forbidden, "this role does not allow it"),
            StatusCode::METHOD_NOT_ALLOWED => (Code::MethodNotAllowed, "not by this method"),
            StatusCode::CONFLICT => (Code::Refused, "its state does not allow it"),
            StatusCode::PAYLOAD_TOO_LARGE => (Code::BodyTooLarge, "what was sent is too large"),
            StatusCode::SERVICE_UNAVAILABLE => (Code::Unavailable, "try again in a moment"),
            status if status.is_client_error() => (
                Code::BadRequest,
                "the address, or what was sent, cannot be read: go back, load the page again, then try once more",
            ),
            _ => (Code::Internal, "a defect: the log says more"),
        };
        Self::new(code, detail)
    }

    /// There is no such `what`.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// A field that cannot be so.
    pub fn bad_value(field: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Code::BadValue, detail).of_field(field)
    }

    /// Somebody was faster.
    pub fn conflict(version: u64) -> Self {
        let detail = "it was changed in the meantime: read it again, then decide";
        Self {
            version: Some(version),
            ..Self::new(Code::VersionConflict, detail)
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The phrase of the status.
    pub fn title(&self) -> &'static str {
        self.status().canonical_reason().unwrap_or("Error")
    }

    /// Names the field.
    #[must_use]
    pub fn of_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Says when to come again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// As it is sent.
    pub fn document(&self) -> Document<'_> {
        Document {
            kind: "about:blank",
            title: self.title(),
            status: self.status().as_u16(),
            code: self.code,
            detail: &self.detail,
            field: self.field,
            version: self.version,
            reason: self.reason,
            retry_after: self.retry_after,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"tocsin\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(version) = self.version {
            headers.insert(header::ETAG, super::etag::etag(version));
        }
        // For whoever shows it as a page.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_and_a_status_of_an_error() {
        for code in Code::ALL {
            let problem = Problem::new(code, "x");
            let json = serde_json::to_value(problem.document()).unwrap();
            assert!(json["status"].as_u64().unwrap() >= 400);
            assert!(!json["title"].as_str().unwrap().is_empty());
            assert_eq!(
                json["code"].as_str().unwrap().to_lowercase(),
                json["code"].as_str().unwrap()
            );
        }
    }

    #[test]
    fn a_conflict_says_the_current_version_in_body_and_header() {
        let response = Problem::conflict(7).into_response();
        assert_eq!(response.status(), 412);
        assert_eq!(response.headers()["etag"], "\"7\"");
        assert_eq!(response.headers()["content-type"], PROBLEM_JSON);
    }
}
