//! A simulated report in the format of its feed, so that it goes the way of a real one: through the feed's own decoder.
//!
//! Invariant: what is written decodes to the same id, and says that it is an exercise where the format has a place for that.
//! Formats carry what they can: a template of a mapped feed has the words of its fields only.

use serde_json::{Map, Value as Json, json};

use crate::core::decode::TocsinJson;
use crate::core::model::{DecoderKind, Feed, Mapping, Millis, Report, Status, Value};
use crate::core::xml::escape as xml;

/// The record's value. The error says what the feed cannot carry.
pub fn encode(feed: &Feed, report: &Report<'_>, observed: Millis) -> Result<Vec<u8>, String> {
    let mut report = report.clone();
    report.observed = Some(observed);
    let json = match feed.decoder {
        DecoderKind::Tocsin => tocsin(&report)?,
        DecoderKind::CloudEvents => json!({
            "specversion": "1.0", "type": "exercise", "source": "/exercise", "id": report.id,
            "time": observed.to_string(), "datacontenttype": "application/json", "data": tocsin(&report)?,
        }),
        DecoderKind::Mapped => {
            let mapping = feed
                .mapping
                .as_ref()
                .ok_or("has a feed without a mapping")?;
            mapped(mapping, &report, observed)
        }
        DecoderKind::GeoJson => geojson(&report, observed),
        DecoderKind::Open311 => open311(&report, observed),
        DecoderKind::Cap => return Ok(cap(&report, observed).into_bytes()),
        DecoderKind::Rss => return Ok(rss(&report, observed).into_bytes()),
    };
    serde_json::to_vec(&json).map_err(|error| format!("cannot be written: {error}"))
}

/// As text, so that the label says what it is to any other reader too.
fn tocsin(report: &Report<'_>) -> Result<Json, String> {
    let labelled = Report {
        status: Status::Exercise,
        ..report.clone()
    };
    serde_json::to_value(TocsinJson(&labelled))
        .map_err(|error| format!("cannot be written: {error}"))
}

fn value(value: &Value<'_>) -> Json {
    match value {
        Value::Bool(it) => json!(it),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}

/// A row: every field where the mapping looks for it, and the words where nothing lies yet.
fn mapped(mapping: &Mapping, report: &Report<'_>, observed: Millis) -> Json {
    let mut row = Json::Object(Map::new());
    put(&mut row, &mapping.id, json!(report.id));
    for (name, pointer) in &mapping.fields {
        if let Some(found) = report.field(name) {
            put(&mut row, pointer, value(found));
        }
    }
    let at = report.coordinates;
    let parts = [
        (&mapping.time, Some(json!(observed.to_string()))),
        (&mapping.latitude, at.map(|at| json!(at.lat))),
        (&mapping.longitude, at.map(|at| json!(at.lon))),
        (
            &mapping.place_code,
            report.place_code.as_ref().map(|it| json!(it)),
        ),
        (&mapping.lang, report.lang.as_ref().map(|it| json!(it))),
        (&mapping.title, words(&report.title)),
        (&Some(mapping.text.clone()), words(&report.text)),
    ];
    for (pointer, part) in parts {
        if let (Some(pointer), Some(part)) = (pointer, part) {
            put(&mut row, pointer, part);
        }
    }
    row
}

fn words(text: &str) -> Option<Json> {
    (!text.is_empty()).then(|| json!(text))
}

/// Puts a value where an RFC 6901 pointer of names points, unless something is there. A template is no pointer.
fn put(row: &mut Json, pointer: &str, part: Json) {
    let Some(path) = pointer.strip_prefix('/') else {
        return;
    };
    let mut here = row;
    for name in path.split('/') {
        if here.is_null() {
            *here = Json::Object(Map::new());
        }
        let Json::Object(members) = here else {
            return;
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        here = members.entry(name).or_insert(Json::Null);
    }
    if here.is_null() {
        *here = part;
    }
}

fn geojson(report: &Report<'_>, observed: Millis) -> Json {
    let mut properties = Map::new();
    for (name, it) in &report.fields {
        let name = match name.as_ref() {
            "magnitude" => "mag",
            other => other,
        };
        properties.insert(name.to_owned(), value(it));
    }
    properties.insert("time".to_owned(), json!(observed.0));
    properties.insert("title".to_owned(), json!(report.title));
    if !report.text.is_empty() {
        properties.insert("description".to_owned(), json!(report.text));
    }
    let geometry = report
        .coordinates
        .map(|at| json!({"type": "Point", "coordinates": [at.lon, at.lat]}));
    json!({"type": "Feature", "id": report.id, "properties": properties, "geometry": geometry})
}

fn open311(report: &Report<'_>, observed: Millis) -> Json {
    let mut request = Map::new();
    for (name, it) in &report.fields {
        request.insert(name.to_string(), value(it));
    }
    request.insert("service_request_id".to_owned(), json!(report.id));
    request.insert("requested_datetime".to_owned(), json!(observed.to_string()));
    request.insert("description".to_owned(), json!(report.text));
    if !report.title.is_empty() {
        request.insert("service_name".to_owned(), json!(report.title));
    }
    if let Some(at) = report.coordinates {
        request.insert("lat".to_owned(), json!(at.lat));
        request.insert("long".to_owned(), json!(at.lon));
    }
    Json::Object(request)
}

/// CAP 1.2 (OASIS), one info.
fn cap(report: &Report<'_>, observed: Millis) -> String {
    let field = |name: &str, otherwise: &str| {
        let found = report
            .field(name)
            .or_else(|| report.field(&format!("cap.{name}")));
        match found {
            Some(Value::Text(text)) => xml(text),
            _ => otherwise.to_owned(),
        }
    };
    let circle = report.coordinates.map_or_else(String::new, |at| {
        format!("<circle>{},{} 0</circle>", at.lat, at.lon)
    });
    format!(
        "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>{id}</identifier><sender>exercise</sender>\
         <sent>{sent}</sent><status>Exercise</status><msgType>Alert</msgType><scope>Public</scope><info>\
         <language>{lang}</language><category>{category}</category><event>{event}</event><urgency>{urgency}</urgency>\
         <severity>{severity}</severity><certainty>{certainty}</certainty><headline>{title}</headline>\
         <description>{text}</description><area><areaDesc>{area}</areaDesc>{circle}</area></info></alert>",
        id = xml(&report.id),
        sent = observed,
        lang = xml(report.lang.as_deref().unwrap_or("en")),
        category = field("category", "Met"),
        event = field("event", "Exercise"),
        urgency = field("urgency", "Immediate"),
        severity = field("severity", "Severe"),
        certainty = field("certainty", "Observed"),
        title = xml(&report.title),
        text = xml(&report.text),
        area = field("areaDesc", ""),
    )
}

/// RSS 2.0, one item.
fn rss(report: &Report<'_>, observed: Millis) -> String {
    let point = report.coordinates.map_or_else(String::new, |at| {
        format!("<georss:point>{} {}</georss:point>", at.lat, at.lon)
    });
    let source = report.publisher.as_deref().unwrap_or("exercise");
    format!(
        "<rss version=\"2.0\" xmlns:georss=\"http://www.georss.org/georss\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>{source}</title><item><guid \
         isPermaLink=\"false\">{id}</guid><title>{title}</title><description>{text}</description>\
         <dc:date>{observed}</dc:date>{point}</item></channel></rss>",
        source = xml(source),
        id = xml(&report.id),
        title = xml(&report.title),
        text = xml(&report.text),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::core::decode::Decoder;
    use crate::core::model::{Coordinates, RawRecord};

    fn feed(decoder: &str, mapping: Option<Json>) -> Feed {
        let mut feed =
            json!({"id": "f", "topic": "f", "decoder": decoder, "kind": "post", "reliability": 50});
        if let Some(mapping) = mapping {
            feed["mapping"] = mapping;
        }
        serde_json::from_value(feed).unwrap()
    }

    #[test]
    fn every_format_carries_a_report() {
        let mut report = Report {
            id: "drill-1-00001".into(),
            title: "A fire & <smoke>".into(),
            text: "瓯海区一居民楼起火".into(),
            lang: Some("zh".into()),
            coordinates: Coordinates::new(27.97, 120.55),
            ..Report::default()
        };
        report
            .fields
            .push(("call_type".into(), Value::Text("Structure Fire".into())));
        let mapping = json!({"id": "/call/id", "time": "/t", "title": "/head", "text": "/call/words", "latitude": "/lat",
            "longitude": "/lon", "fields": {"call_type": "/type"}});
        for (decoder, mapping) in [
            ("tocsin", None),
            ("cloudevents", None),
            ("mapped", Some(mapping)),
            ("geojson", None),
            ("open311", None),
            ("cap", None),
            ("rss", None),
        ] {
            let feed = Arc::new(feed(decoder, mapping));
            let bytes = encode(&feed, &report, Millis(1_767_323_045_000)).unwrap();
            let decoder_of = Decoder::new(Arc::clone(&feed)).unwrap();
            let record = RawRecord::new(&bytes, Millis(1_767_323_045_000));
            let read = decoder_of.decode(&record);
            let read = read
                .unwrap_or_else(|e| panic!("{decoder}: {e} {}", String::from_utf8_lossy(&bytes)));
            assert_eq!(read.id, report.id, "{decoder}");
            assert_eq!(read.observed, Some(Millis(1_767_323_045_000)), "{decoder}");
            let said = format!("{} {}", read.title, read.text);
            assert!(said.contains("瓯海区一居民楼起火"), "{decoder}: {said}");
            assert!(read.coordinates.is_some(), "{decoder}");
            // The feed does not trust a status: only the signed label makes an exercise.
            assert_eq!(read.status, Status::Actual, "{decoder}");
        }
    }

    #[test]
    fn a_template_takes_the_words_of_its_fields() {
        let mapping = json!({"id": "/call", "title": "/type", "text": "{/type}, alarms {/alarms}",
            "fields": {"call_type": "/type", "alarms": "/alarms"}});
        let feed = feed("mapped", Some(mapping));
        let mut report = Report {
            id: "1".into(),
            text: "not carried".into(),
            ..Report::default()
        };
        report
            .fields
            .push(("call_type".into(), Value::Text("Structure Fire".into())));
        report.fields.push(("alarms".into(), Value::Int(2)));
        let bytes = encode(&feed, &report, Millis(0)).unwrap();
        let decoder = Decoder::new(Arc::new(feed)).unwrap();
        let read = decoder.decode(&RawRecord::new(&bytes, Millis(0))).unwrap();
        assert_eq!(
            (&*read.title, &*read.text),
            ("Structure Fire", "Structure Fire, alarms 2")
        );
    }
}
