//! GeoJSON features (RFC 7946): the earthquakes of the USGS, the alerts of the US weather service, and others like them.
//!
//! Invariant: a feature's properties become fields only when they are scalars and do not speak of a person.

use super::decoder::Decoder;
use super::finish::{add_field, status};
use super::geometry;
use super::html::plain;
use super::mapped::time;
use super::tree::Json;
use crate::core::model::{Refusal, RefusalCode, Report, Value};

type Read<T> = Result<T, Refusal>;

/// Properties that are no field of their own: they make the report, or point elsewhere.
const USED: [&str; 18] = [
    "id",
    "title",
    "headline",
    "text",
    "description",
    "summary",
    "place",
    "areaDesc",
    "time",
    "sent",
    "url",
    "web",
    "mag",
    "detail",
    "ids",
    "sources",
    "types",
    "updated",
];

/// The features of a document.
pub(super) fn items<'t, 'a>(root: &'t Json<'a>) -> Read<Vec<&'t Json<'a>>> {
    match root.text_of("type").as_deref() {
        Some("FeatureCollection") => match root.get("features") {
            Some(Json::Array(features)) => Ok(features.iter().collect()),
            _ => Err(Refusal::decode(
                RefusalCode::MissingField,
                "the FeatureCollection has no `features`",
            )),
        },
        Some("Feature") => Ok(vec![root]),
        _ => Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "`type` is neither Feature nor FeatureCollection",
        )),
    }
}

/// Reads one feature; unmasked.
pub(super) fn read<'a>(decoder: &Decoder, feature: &Json<'a>) -> Read<Report<'a>> {
    if feature.text_of("type").as_deref() != Some("Feature") {
        return Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "an element of `features` is not a Feature",
        ));
    }
    let Some(properties) = feature
        .get("properties")
        .filter(|properties| properties.is_object())
    else {
        return Err(Refusal::decode(
            RefusalCode::MissingField,
            "the feature has no `properties`",
        ));
    };
    let any = |names: &[&str]| names.iter().find_map(|name| properties.text_of(name));
    let id = feature.text_of("id").or_else(|| any(&["id", "code"]));
    let id =
        id.ok_or_else(|| Refusal::decode(RefusalCode::MissingField, "the feature has no `id`"))?;
    let state = properties.text_of("status").unwrap_or_default();
    let message = properties.text_of("messageType").unwrap_or_default();
    let is_alert = !message.is_empty();
    let place = geometry_of(feature);
    let observed = time(
        decoder,
        properties.get("time").or_else(|| properties.get("sent")),
    )?;
    // An event that was updated since may have been stated before, elsewhere or stronger.
    let updated = time(decoder, properties.get("updated")).unwrap_or_default();
    let mut report = Report {
        id,
        observed,
        revised: updated > observed || message.eq_ignore_ascii_case("update"),
        title: any(&["title", "headline", "event"]).unwrap_or_default(),
        text: any(&["text", "description", "summary"])
            .map(|text| plain(&text).into_owned())
            .unwrap_or_default()
            .into(),
        // `status` of the USGS says how far a quake is reviewed; that of an alert is CAP's.
        status: if is_alert {
            status(&decoder.feed, &state)?
        } else {
            status(&decoder.feed, "")?
        },
        withdrawn: state.eq_ignore_ascii_case("deleted") || message.eq_ignore_ascii_case("cancel"),
        place_name: any(&["place", "areaDesc"]),
        coordinates: place.map(|(at, _)| at),
        link: any(&["url", "web"]),
        ..Report::default()
    };
    if let Some(magnitude) = properties.get("mag").and_then(Json::number) {
        add_field(&mut report.fields, "magnitude", Value::Float(magnitude));
        // Above ground only volcanoes quake: the third coordinate of a quake is its depth.
        if let Some((_, Some(depth))) = place {
            add_field(&mut report.fields, "depth_km", Value::Float(depth));
        }
    }
    for (name, value) in properties.members() {
        if !USED.contains(&&**name)
            && let Some(value) = value.field()
        {
            let name = if is_alert && is_cap(name) {
                format!("cap.{name}").into()
            } else {
                name.clone()
            };
            add_field(&mut report.fields, name, value);
        }
    }
    Ok(report)
}

fn geometry_of(feature: &Json<'_>) -> Option<(crate::core::model::Coordinates, Option<f64>)> {
    geometry::geojson(feature.get("geometry")?)
}

/// Names that carry CAP's vocabulary, so that rules say `cap.severity` whatever the format.
fn is_cap(name: &str) -> bool {
    matches!(
        name,
        "event" | "category" | "urgency" | "severity" | "certainty"
    )
}
