//! The OpenAPI 3.1 document: operations as the routes declare them, shapes of the core's types beside.
//!
//! Invariants: every operation says that it needs a token and that errors are problems; a shape named here is what the core's type
//! serialises to, which tests check on real answers.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// Shapes of the core's types; those of this module derive theirs.
const SHAPES: &str = include_str!("schema.json");
/// Shape of an alert, as `tocsin schema alert` prints it.
const ALERT: &str = include_str!("../../core/correlate/alert.schema.json");

/// Head of the document.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Tocsin desk",
        description = "Incidents, obligations, and the joint meeting. Every change of something that can be changed twice, incidents and silences, \
                       needs `If-Match` with the ETag that was seen; every other says why it needs none. Errors are `application/problem+json` with a stable `code`. Times are RFC 3339 in UTC. Text of reports is \
                       masked and free of control characters, and is hostile all the same: escape it wherever it is shown.",
        license(name = "")
    ),
    tags(
        (name = "incidents", description = "The board, single incidents, and what is done to them"),
        (name = "meeting", description = "The joint meeting's agenda"),
        (name = "departments", description = "Obligations and on-time rates"),
        (name = "desk", description = "Events, the audit log, rules, feeds"),
        (name = "cap", description = "CAP 1.2 alerts over HTTP"),
        (name = "silences", description = "Who is not told, why and until when"),
        (name = "drills", description = "Exercises: started, watched, stopped and reported by a coordinator"),
        (name = "access", description = "Tokens")
    ),
    components(schemas(super::problem::Document<'static>))
)]
pub struct Head;

/// The document as it is served.
pub fn document(operations: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(operations).unwrap_or_default();
    if let Some(info) = document["info"].as_object_mut() {
        info.remove("license");
        info.remove("contact");
        info.insert("version".to_owned(), json!("1"));
    }
    document["security"] = json!([{"bearer": []}, {"session": []}]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token: `tocsin token create`."},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-tocsin",
            "description": "A console session (`tocsin_session` on loopback). Changes need the header `X-CSRF-Token`."},
    });
    components["responses"] = json!({"Problem": {
        "description": "What is wrong, with a stable code.",
        "content": {super::problem::PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }});
    if let Some(schemas) = components["schemas"].as_object_mut() {
        schemas.extend(shapes());
        schemas.extend(alert());
        for (name, condition) in conditions() {
            if let Some(schema) = schemas.get_mut(name).and_then(Value::as_object_mut) {
                schema.insert("allOf".to_owned(), condition);
            }
        }
    }
    for (path, operation) in operations_of(&mut document) {
        problems(&path, operation);
    }
    document
}

/// Which members of a body belong together: what a derived shape does not say.
fn conditions() -> [(&'static str, Value); 3] {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"type": "string"}}});
    let matchers = ["rule", "hazard", "place", "department", "level"].map(given);
    let sources = ["id", "text"].map(given);
    let red = json!([
        {"properties": {"covers_red": {"const": false}, "level": {"enum": ["blue", "yellow", "orange", null]}}},
        {"required": ["covers_red"], "properties": {"covers_red": {"const": true}, "level": {"enum": ["red", null]}}},
    ]);
    let roles = json!([
        {"required": ["department"], "properties": {"role": {"const": "officer"}, "department": {"type": "string"}}},
        {"properties": {"role": {"const": "read_only"}}},
        {"properties": {"role": {"enum": ["analyst", "coordinator", "operator"]}, "department": {"type": "null"}}},
    ]);
    [
        ("SilenceWish", json!([{"anyOf": matchers}, {"anyOf": red}])),
        ("TokenWish", json!([{"anyOf": roles}])),
        ("ScenarioNew", json!([{"anyOf": sources}])),
    ]
}

fn shapes() -> Map<String, Value> {
    serde_json::from_str(SHAPES).unwrap_or_default()
}

/// The alert and its parts, named `alert_…`.
fn alert() -> Map<String, Value> {
    let moved = ALERT.replace("#/$defs/", "#/components/schemas/alert_");
    let Ok(Value::Object(mut alert)) = serde_json::from_str(&moved) else {
        return Map::new();
    };
    let mut all = Map::new();
    if let Some(Value::Object(parts)) = alert.remove("$defs") {
        all.extend(
            parts
                .into_iter()
                .map(|(name, part)| (format!("alert_{name}"), part)),
        );
    }
    alert.remove("$schema");
    alert.remove("$id");
    all.insert("Alert".to_owned(), Value::Object(alert));
    all
}

/// Every operation of the document, with its path.
fn operations_of(document: &mut Value) -> Vec<(String, &mut Map<String, Value>)> {
    let mut all = Vec::new();
    let Some(paths) = document["paths"].as_object_mut() else {
        return all;
    };
    for (path, item) in paths {
        let operations = item
            .as_object_mut()
            .into_iter()
            .flat_map(|item| item.values_mut());
        let operations = operations.filter_map(Value::as_object_mut);
        all.extend(
            operations
                .filter(|operation| operation.contains_key("responses"))
                .map(|operation| (path.clone(), operation)),
        );
    }
    all
}

/// What every operation may answer beside its own.
fn problems(path: &str, operation: &mut Map<String, Value>) {
    let has_body = match operation.get_mut("requestBody") {
        Some(body) => {
            // No operation does anything without the body that it declares.
            body["required"] = json!(true);
            true
        }
        None => false,
    };
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let any = |name: &str, value: &str| {
        parameters.is_some_and(|all| all.iter().any(|one| one[name] == value))
    };
    let mut codes = vec!["401", "403", "421", "429", "503"];
    if has_body {
        codes.extend(["400", "409", "413", "415", "422"]);
    }
    if any("in", "query") || any("name", "Last-Event-ID") {
        codes.push("422");
    }
    if any("name", "If-Match") {
        codes.extend(["400", "409", "412", "428"]);
    }
    if path.contains('{') {
        codes.push("404");
    }
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for code in codes.into_iter().chain(["default"]) {
        let problem = json!({"$ref": "#/components/responses/Problem"});
        responses.entry(code).or_insert(problem);
    }
}
