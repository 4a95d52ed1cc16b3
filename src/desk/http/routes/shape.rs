//! Shapes of parameters whose types are the core's; `schema.json` has them.

use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

/// Refers to a shape by its name.
macro_rules! shapes {
    ($($function:ident $name:literal)*) => {
        $(#[allow(missing_docs)] pub fn $function() -> RefOr<Schema> { RefOr::Ref(Ref::from_schema_name($name)) })*
    };
}

shapes! {
    level "Level"
    status "Status"
    hazard "Hazard"
    state "CaseState"
    department "DepartmentId"
    time "Time"
    role "Role"
}

/// The same where none may be given.
fn maybe(of: RefOr<Schema>) -> RefOr<Schema> {
    let none = ObjectBuilder::new().schema_type(Type::Null);
    RefOr::T(Schema::AnyOf(
        AnyOfBuilder::new().item(of).item(none).build(),
    ))
}

/// A level, or none.
pub fn maybe_level() -> RefOr<Schema> {
    maybe(level())
}

/// A hazard, or none.
pub fn maybe_hazard() -> RefOr<Schema> {
    maybe(hazard())
}

/// A department, or none.
pub fn maybe_department() -> RefOr<Schema> {
    maybe(department())
}

/// Items per page.
pub fn limit() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(super::incidents::MAX_LIMIT))
        .into()
}

/// What `next` was on the page before.
pub fn cursor() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^-?[0-9]{1,18}\.-?[0-9]{1,18}\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))
        .into()
}

/// Text to search for.
pub fn words() -> RefOr<Schema> {
    text(1, super::incidents::MAX_WORDS)
}

/// Code of a place.
pub fn place() -> RefOr<Schema> {
    text(1, 64)
}

fn text(least: usize, most: usize) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(least))
        .max_length(Some(most))
        .into()
}

fn one_of(values: &[&str]) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(values.iter().copied()))
        .into()
}

/// States of notifications.
pub fn notification_state() -> RefOr<Schema> {
    one_of(&crate::desk::store::NOTIFICATION_STATES)
}

/// What `next` was on the page of notifications before.
pub fn notification_cursor() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^[0-9]{1,18}~[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}~[a-z0-9_:-]{1,64}$"))
        .into()
}

/// A receiver of notifications.
pub fn channel() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[a-z0-9_:-]{1,64}$"))
        .into()
}

/// Forms of a drill's report.
pub fn report_format() -> RefOr<Schema> {
    one_of(&["json", "html", "markdown"])
}

/// Languages of files.
pub fn language() -> RefOr<Schema> {
    one_of(&["en", "zh"])
}

/// An instant that is given: RFC 3339 with any offset.
pub fn instant() -> RefOr<Schema> {
    date_time(Type::String.into())
}

/// The same where none may be given.
pub fn maybe_instant() -> RefOr<Schema> {
    date_time(SchemaType::from_iter([Type::String, Type::Null]))
}

fn date_time(of: SchemaType) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(of)
        .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
            utoipa::openapi::KnownFormat::DateTime,
        )))
        .into()
}
