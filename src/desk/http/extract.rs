//! Extractors whose rejections are problems.
//!
//! Invariant: what cannot be read is told with the field it is about where that is known, and never by a page of the framework.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Code, Problem};
use super::text;

/// Parameters of the query.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// Parts of the path.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

/// A body of JSON: an object.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// What a parser says, bounded and on one line: it may repeat what was sent.
fn detail(error: &impl std::fmt::Display) -> String {
    let error = error.to_string();
    text::line(&error).chars().take(300).collect()
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(value)| Self(value))
            .map_err(|error: QueryRejection| {
                Problem::new(Code::BadValue, detail(&error)).of_field("query")
            })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        // An id of another form names nothing.
        read.map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Problem::not_found("thing"))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = axum::Json::<Value>::from_request(request, state).await;
        let axum::Json(value) = read.map_err(|error| {
            let code = match &error {
                JsonRejection::MissingJsonContentType(_) => Code::UnsupportedMediaType,
                _ => Code::BadRequest,
            };
            Problem::new(code, detail(&error.body_text())).of_field("body")
        })?;
        let wrong = |why: &dyn std::fmt::Display| {
            let why = format!("the body is not as it has to be: {why}");
            Problem::new(Code::BadValue, detail(&why)).of_field("body")
        };
        // What serde would take for a structure, too: its values in their order.
        if !value.is_object() {
            return Err(wrong(&"an object is expected"));
        }
        T::deserialize(value)
            .map(Self)
            .map_err(|error| wrong(&error))
    }
}
