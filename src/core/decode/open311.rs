//! Open311 GeoReport v2 service requests, JSON and XML.
//!
//! Invariant: of the request's parts only those named here are read. Name, mail, telephone and device of whoever asked are
//! part of the standard and not of this list.

use super::decoder::Decoder;
use super::finish::add_field;
use super::html::plain;
use super::mapped::{coordinates, time};
use super::tree::Json;
use super::xml::Element;
use crate::core::model::{Refusal, RefusalCode, Report};

type Read<T> = Result<T, Refusal>;

/// Members kept as fields.
const FIELDS: [&str; 7] = [
    "service_name",
    "service_code",
    "status",
    "status_notes",
    "agency_responsible",
    "service_notice",
    "zipcode",
];

/// Members that make the report itself.
const PARTS: [&str; 8] = [
    "service_request_id",
    "description",
    "requested_datetime",
    "address",
    "lat",
    "long",
    "media_url",
    "token",
];

/// The requests of a JSON document.
pub(super) fn items<'t, 'a>(root: &'t Json<'a>) -> Read<Vec<&'t Json<'a>>> {
    let root = root.get("service_requests").unwrap_or(root);
    match root {
        Json::Array(requests) => Ok(requests.iter().collect()),
        Json::Object(_) => Ok(vec![root]),
        Json::Scalar(_) => Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "this is no list of service requests",
        )),
    }
}

/// The requests of an XML document, in the form of the JSON ones.
pub(super) fn xml_items(root: &Element<'_>) -> Read<Vec<Json<'static>>> {
    match root.name.as_str() {
        "service_requests" => Ok(root.all("request").map(from_xml).collect()),
        "request" => Ok(vec![from_xml(root)]),
        _ => Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "the root element is not `service_requests`",
        )
        .at(0)),
    }
}

/// Bytes at which the elements of [`xml_items`] begin.
pub(super) fn xml_starts(root: &Element<'_>) -> Vec<usize> {
    match root.name.as_str() {
        "service_requests" => root.all("request").map(|request| request.start).collect(),
        _ => vec![root.start],
    }
}

/// XML and JSON of GeoReport v2 have the same names.
fn from_xml(request: &Element<'_>) -> Json<'static> {
    let member = |name: &'static str| {
        let text = request.text_of(name)?.to_owned();
        Some((
            name.into(),
            Json::Scalar(super::json::Scalar::Text(text.into())),
        ))
    };
    Json::Object(PARTS.into_iter().chain(FIELDS).filter_map(member).collect())
}

/// Reads one request; unmasked.
pub(super) fn read<'a>(decoder: &Decoder, request: &Json<'a>) -> Read<Report<'a>> {
    if !request.is_object() {
        return Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "a service request is not an object",
        ));
    }
    let Some(id) = request.text_of("service_request_id") else {
        let message = if request.get("token").is_some() {
            "the request has only a token yet: forward it when it has its `service_request_id`"
        } else {
            "the request has no `service_request_id`"
        };
        return Err(Refusal::decode(RefusalCode::MissingField, message));
    };
    let description = request
        .text_of("description")
        .map(|text| plain(&text).into_owned());
    let mut report = Report {
        id,
        observed: time(decoder, request.get("requested_datetime"))?,
        title: request.text_of("service_name").unwrap_or_default(),
        text: description.unwrap_or_default().into(),
        place_name: request.text_of("address"),
        coordinates: coordinates(request.get("lat"), request.get("long"))?,
        ..Report::default()
    };
    for name in FIELDS {
        if let Some(value) = request.get(name).and_then(Json::field) {
            add_field(&mut report.fields, name, value);
        }
    }
    Ok(report)
}
