//! A report as Tocsin JSON v1, the format that `tocsin.rs` reads.
//!
//! Invariant: what is written decodes to the same report again, under a feed that trusts status and keeps publishers.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::core::model::{Report, Status};

/// Serialises a report as Tocsin JSON v1; absent members are left out.
#[derive(Clone, Copy, Debug)]
pub struct TocsinJson<'r, 'a>(pub &'r Report<'a>);

impl Serialize for TocsinJson<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &report.id)?;
        entry(&mut map, "observed", report.observed.as_ref())?;
        for (name, text) in [("title", &report.title), ("text", &report.text)] {
            entry(&mut map, name, (!text.is_empty()).then_some(text))?;
        }
        entry(&mut map, "lang", report.lang.as_ref())?;
        entry(&mut map, "kind", report.kind.as_ref())?;
        entry(
            &mut map,
            "status",
            (report.status != Status::Actual).then_some(&report.status),
        )?;
        entry(&mut map, "withdrawn", report.withdrawn.then_some(&true))?;
        entry(&mut map, "revised", report.revised.then_some(&true))?;
        let place = Place {
            code: report.place_code.as_deref(),
            name: report.place_name.as_deref(),
        };
        entry(
            &mut map,
            "place",
            (place.code.is_some() || place.name.is_some()).then_some(&place),
        )?;
        entry(
            &mut map,
            "lat",
            report.coordinates.as_ref().map(|at| &at.lat),
        )?;
        entry(
            &mut map,
            "lon",
            report.coordinates.as_ref().map(|at| &at.lon),
        )?;
        entry(&mut map, "link", report.link.as_ref())?;
        entry(&mut map, "publisher", report.publisher.as_ref())?;
        let fields = Fields(report);
        entry(
            &mut map,
            "fields",
            (!report.fields.is_empty()).then_some(&fields),
        )?;
        map.end()
    }
}

fn entry<M: SerializeMap, T: Serialize + ?Sized>(
    map: &mut M,
    name: &str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct Place<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'r str>,
}

struct Fields<'r, 'a>(&'r Report<'a>);

impl Serialize for Fields<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.fields.iter().map(|(name, value)| (name, value)))
    }
}
