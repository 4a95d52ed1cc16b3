//! No telephone number, mail address, identity number or handle survives any decoder, in any string of a report; nor does
//! an author.

use proptest::prelude::*;
use serde_json::json;
use smallvec::smallvec;
use tocsin::core::decode::Decoder;
use tocsin::core::model::{DecoderKind, Mapping, Millis, RawRecord, Report};

use super::support::{KINDS, decoder, strings};

/// Digits, letters, signs as their full-width forms.
fn widen(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_graphic() {
                char::from_u32(c as u32 + 0xFEE0).unwrap()
            } else {
                c
            }
        })
        .collect()
}

/// Something that identifies or reaches a person, and the part of it that must not be left.
fn secret() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        "1[3-9][0-9]{9}",
        "1[3-9][0-9] [0-9]{4} [0-9]{4}",
        "1[3-9][0-9]-[0-9]{4}-[0-9]{4}",
        "(\\+86|0086|\\+86 |\\+86-)1[3-9][0-9]{9}",
        "\\+86 1[3-9][0-9] [0-9]{4} [0-9]{4}",
        "0(10|2[0-9])-[2-8][0-9]{7}",
        "0[3-9][1-9][0-9]-[2-8][0-9]{6}",
        "\\(0(10|2[0-9])\\) ?[2-8][0-9]{3} [0-9]{4}",
        "400-[0-9]{3}-[0-9]{4}",
        "[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}",
        "\\([2-9][0-9]{2}\\) [2-9][0-9]{2}-[0-9]{4}",
        "[2-9][0-9]{2}\\.[2-9][0-9]{2}\\.[0-9]{4}",
        "1-[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}",
        "\\+1 \\([2-9][0-9]{2}\\) [2-9][0-9]{2}-[0-9]{4}",
        "\\+(44|33|49|81|509|880) [1-9][0-9]{1,3} [0-9]{3,4} [0-9]{3,4}",
        "[1-8][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9])[0-9]{3}[0-9Xx]",
        "[1-8][0-9]{5}[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9])[0-9]{3}",
        "[0-7][0-9]{2}-[0-9]{2}-[0-9]{4}",
        "q[a-z]{3,8}([._+-][a-z0-9]{1,6})?@z[a-z]{3,8}\\.(com|org|com\\.cn)",
        "@Q[A-Za-z0-9_]{3,14}",
        "@[一-龥]{2,8}",
        "@[A-Za-z]{2,5}[一-龥]{2,5}",
        "//@[一-龥]{2,6}",
    ];
    (plain, any::<bool>()).prop_map(|(text, wide)| if wide { widen(&text) } else { text })
}

/// A sentence around the secret.
fn hosted() -> impl Strategy<Value = (String, String)> {
    let host = prop::sample::select(vec![
        "{}",
        "着火了，{}，快来",
        "联系电话：{}。",
        "please call {} now",
        "fire at G2, {}: help",
        "热线{}（24小时）",
        "a ({})",
        "see <{}> there",
        "5.8级 {} 2016-07-13",
        "x\n{}\ny",
    ]);
    (secret(), host).prop_map(|(secret, host)| (host.replace("{}", &secret), secret))
}

fn ascii(text: &str) -> String {
    let narrow = |c: char| {
        char::from_u32((c as u32).wrapping_sub(0xFEE0))
            .filter(char::is_ascii_graphic)
            .unwrap_or(c)
    };
    text.chars().map(narrow).collect()
}

fn digits(text: &str) -> String {
    ascii(text).chars().filter(char::is_ascii_digit).collect()
}

/// What is left of the secret in `text`, if anything.
fn leak(text: &str, secret: &str) -> Option<String> {
    let (text, secret) = (ascii(text), ascii(secret));
    if secret.contains('@') {
        let parts = secret
            .split(['@', '/'])
            .filter(|part| part.chars().count() > 1);
        return parts
            .map(str::to_owned)
            .find(|part| text.contains(part.as_str()));
    }
    digits(&text).contains(&digits(&secret)).then_some(secret)
}

fn check(decoder: &Decoder, record: &RawRecord<'_>, secret: &str) -> Result<(), TestCaseError> {
    let report = decoder.decode(record);
    let report = report.map_err(|refusal| {
        TestCaseError::fail(format!(
            "{refusal}: {}",
            String::from_utf8_lossy(record.payload)
        ))
    })?;
    for text in strings(&report) {
        if let Some(left) = leak(&text, secret) {
            return Err(TestCaseError::fail(format!("{left:?} is left in {text:?}")));
        }
    }
    Ok(())
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A record of that format with `text` wherever a sender can write.
fn payload(kind: DecoderKind, text: &str) -> String {
    let link = format!("https://example.org/{text}");
    let tocsin = json!({
        "id": text, "text": text, "title": text, "lang": text, "place": {"code": text, "name": text}, "link": link,
        "publisher": text, "note": text, "count": 1, text: "value", "fields": {"extra": text, text: text},
    });
    let t = xml(text);
    match kind {
        DecoderKind::Tocsin => tocsin.to_string(),
        DecoderKind::Mapped => json!({
            "id": text, "title": text, "type": text, "text": text, "code": text, "place": text, "lang": text, "link": link,
            "first": text, "nested": [{"second": text}],
        })
        .to_string(),
        DecoderKind::CloudEvents => json!({
            "specversion": "1.0", "id": text, "source": text, "type": text, "subject": text, "data": tocsin,
        })
        .to_string(),
        DecoderKind::Open311 => json!([{
            "service_request_id": text, "service_name": text, "service_code": text, "description": text, "address": text,
            "status": text, "status_notes": text, "agency_responsible": text, "zipcode": text, "email": text, "phone": text,
        }])
        .to_string(),
        DecoderKind::GeoJson => json!({
            "type": "Feature", "id": text,
            "properties": {"title": text, "description": text, "place": text, "url": link, "net": text, text: text, "mag": 1},
            "geometry": null,
        })
        .to_string(),
        DecoderKind::Cap => format!(
            "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{}</identifier><sender>{t}</sender>\
             <sent>2026-01-01T00:00:00Z</sent><status>Actual</status><msgType>Alert</msgType><note>{t}</note><info>\
             <language>{t}</language><category>{t}</category><event>{t}</event><senderName>{t}</senderName>\
             <headline>{t}</headline><description>{t}</description><instruction>{t}</instruction><web>{}</web>\
             <contact>{t}</contact><parameter><valueName>{t}</valueName><value>{t}</value></parameter>\
             <area><areaDesc>{t}</areaDesc><geocode><valueName>{t}</valueName><value>{t}</value></geocode></area></info></alert>",
            // An identifier has no spaces, commas and brackets, or it is refused.
            text.replace([' ', ',', '<', '>', '&', '\n'], "-"),
            xml(&link),
        ),
        DecoderKind::Rss => format!(
            "<rss xmlns:gdacs='http://www.gdacs.org' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>{t}</title><item>\
             <guid>{t}</guid><title>{t}</title><description>{t}</description><link>{}</link><author>{t}</author>\
             <dc:creator>{t}</dc:creator><category>{t}</category><source>{t}</source><gdacs:country>{t}</gdacs:country>\
             <gdacs:eventname2>{t}</gdacs:eventname2></item></channel></rss>",
            xml(&link),
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn nothing_survives_any_decoder((text, secret) in hosted()) {
        for kind in KINDS {
            let payload = payload(kind, &text);
            check(&decoder(kind), &RawRecord::new(payload.as_bytes(), Millis(0)), &secret)?;
        }
    }

    #[test]
    fn nothing_survives_binary_cloudevents((text, secret) in hosted()) {
        for inner in [DecoderKind::Tocsin, DecoderKind::Cap] {
            let body = payload(inner, &text);
            let mut record = RawRecord::new(body.as_bytes(), Millis(0));
            record.headers = smallvec![
                ("ce_specversion", &b"1.0"[..]), ("ce_id", text.as_bytes()), ("ce_source", text.as_bytes()),
                ("ce_type", &b"report"[..]), ("ce_subject", text.as_bytes()),
            ];
            check(&decoder(DecoderKind::CloudEvents), &record, &secret)?;
        }
    }

    #[test]
    fn identifiers_stay_distinct_and_stable((text, secret) in hosted(), other in secret()) {
        let id = |secret: &str| {
            let payload = json!({"id": format!("call-{secret}"), "text": "x"}).to_string();
            let record = RawRecord::new(payload.as_bytes(), Millis(0));
            decoder(DecoderKind::Tocsin).decode(&record).unwrap().id.into_owned()
        };
        prop_assert_eq!(id(&secret), id(&secret));
        prop_assert_eq!(id(&secret) == id(&other), secret == other, "{}", text);
    }
}

fn only(kind: DecoderKind, payload: &str) -> Report<'_> {
    decoder(kind)
        .decode(&RawRecord::new(payload.as_bytes(), Millis(0)))
        .unwrap()
}

#[test]
fn authors_are_dropped() {
    const NAME: &str = "Jordan Sample";
    let tocsin = json!({
        "id": "1", "text": "fire", "author": NAME, "user": NAME, "userName": NAME, "screen_name": NAME, "name": NAME,
        "reporter": NAME, "fields": {"contact": NAME, "caller_name": NAME, "作者": NAME}, "user_info": {"name": NAME},
    })
    .to_string();
    let request = json!([{"service_request_id": "1", "description": "flood", "first_name": NAME, "last_name": NAME}]).to_string();
    let feature = json!({"type": "Feature", "id": "1", "geometry": null,
        "properties": {"title": "quake", "author": NAME, "contact": NAME, "reviewer_name": NAME}})
    .to_string();
    let cap = format!(
        "<alert><identifier>1</identifier><sender>{NAME}</sender><sent>2026-01-01T00:00:00Z</sent><info><event>Fire</event>\
         <contact>{NAME}</contact><parameter><valueName>contactName</valueName><value>{NAME}</value></parameter></info></alert>"
    );
    let rss = format!(
        "<rss xmlns:dc='d' xmlns:media='m' xmlns:gdacs='g'><channel><managingEditor>{NAME}</managingEditor><item><guid>1</guid>\
         <title>fire</title><author>a@b.org ({NAME})</author><dc:creator>{NAME}</dc:creator><media:credit>{NAME}</media:credit>\
         <gdacs:author>{NAME}</gdacs:author></item></channel></rss>"
    );
    let atom = format!(
        "<feed><author><name>{NAME}</name></author><entry><id>1</id><title>fire</title><author><name>{NAME}</name></author>\
         <contributor><name>{NAME}</name></contributor></entry></feed>"
    );
    for (kind, payload) in [
        (DecoderKind::Tocsin, &tocsin),
        (DecoderKind::Open311, &request),
        (DecoderKind::GeoJson, &feature),
        (DecoderKind::Cap, &cap),
        (DecoderKind::Rss, &rss),
        (DecoderKind::Rss, &atom),
    ] {
        let report = only(kind, payload);
        assert!(
            !strings(&report).iter().any(|text| text.contains(NAME)),
            "{kind:?}: {report:?}"
        );
    }
}

/// Every member of a mapping, alone and inside a template: none may point at a person.
#[test]
fn a_mapping_to_a_person_does_not_compile() {
    const POINTER: &str = "/caller_name";
    let set: [(&str, fn(&mut Mapping)); 14] = [
        ("id", |m| m.id = POINTER.into()),
        ("text", |m| m.text = POINTER.into()),
        ("text", |m| m.text = format!("called in by {{{POINTER}}}")),
        ("title", |m| m.title = Some(POINTER.into())),
        ("place", |m| m.place = Some(POINTER.into())),
        ("place", |m| {
            m.place = Some(format!("{{{POINTER}}}, {{/city}}"));
        }),
        ("time", |m| m.time = Some(POINTER.into())),
        ("place_code", |m| m.place_code = Some(POINTER.into())),
        ("latitude", |m| m.latitude = Some(POINTER.into())),
        ("longitude", |m| m.longitude = Some(POINTER.into())),
        ("kind", |m| m.kind = Some(POINTER.into())),
        ("lang", |m| m.lang = Some(POINTER.into())),
        ("link", |m| m.link = Some(POINTER.into())),
        ("fields", |m| {
            m.fields.insert("who".into(), POINTER.into());
        }),
    ];
    for (member, change) in set {
        let mut feed = super::support::feed(DecoderKind::Mapped);
        change(feed.mapping.as_mut().unwrap());
        let error = Decoder::new(feed.into())
            .expect_err(&format!("mapping.{member} may point at a person"));
        assert!(
            error.contains("caller_name") && error.contains(member),
            "{member}: {error}"
        );
    }
}

#[test]
fn numbers_that_are_telephone_numbers_are_masked_too() {
    let report = only(
        DecoderKind::Tocsin,
        r#"{"id":1,"text":"x","line":13800138000,"people":1234567,"f":1.38001380e10}"#,
    );
    assert_eq!(
        strings(&report)[3..],
        [
            "line",
            "•••••••••••",
            "people",
            "1234567",
            "f",
            "•••••••••••"
        ]
    );
}

#[test]
fn posts_have_no_link() {
    let post =
        r#"{"id":"1","text":"x","kind":"post","link":"https://example.org/s/1","publisher":"P"}"#;
    let report = only(DecoderKind::Tocsin, post);
    assert_eq!((report.link, report.publisher), (None, None));
}
