//! Versions as entity tags (RFC 9110, 8.8.3 and 13.1.1).
//!
//! Invariant: a change without the version that its author saw is not made.

use axum::http::{HeaderMap, HeaderValue, header};

use super::problem::{Code, Problem};

/// The tag of a version.
pub fn etag(version: u64) -> HeaderValue {
    // Digits and quotes are always a header value.
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The version in `If-Match`. A tag that a compressing proxy has made weak counts as it was; `*` and lists are refused, for
/// they would not say what was seen.
pub fn if_match(headers: &HeaderMap) -> Result<u64, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        let detail = "send If-Match with the ETag of what was seen";
        return Err(Problem::new(Code::PreconditionRequired, detail).of_field("If-Match"));
    };
    let tag = value.to_str().unwrap_or_default().trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"')
        .and_then(|tag| tag.strip_suffix('"'))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| {
            let detail =
                "If-Match is one ETag as it was given, such as \"3\"; not * and not a list";
            Problem::new(Code::BadRequest, detail).of_field("If-Match")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> Result<u64, u16> {
        let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(value))]);
        if_match(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn one_tag_and_nothing_else() {
        assert_eq!(read("\"3\""), Ok(3));
        assert_eq!(read(" W/\"18446744073709551615\" "), Ok(u64::MAX));
        for wrong in [
            "",
            "*",
            "3",
            "\"\"",
            "\"x\"",
            "\"3\", \"4\"",
            "\"-3\"",
            "\"+3\"",
            "\"18446744073709551616\"",
        ] {
            assert_eq!(read(wrong), Err(400), "{wrong}");
        }
        assert_eq!(
            if_match(&HeaderMap::new()).map_err(|p| p.status().as_u16()),
            Err(428)
        );
        assert_eq!(etag(12), "\"12\"");
    }
}
