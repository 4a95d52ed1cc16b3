//! The runbooks as a page, so that the link of an alert leads to what to do: docs/runbooks.md, as it was when this was built.
//!
//! Invariant: for everybody, as the login page is: it says how Tocsin is operated, and nothing of what it knows. Everything in it is
//! escaped; other guides are named and not linked, since they are not served.

use axum::Router;
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};

use super::lang::Lang;
use super::layout;

/// Where they are served; the fragment is an alert's name in lower case.
pub const PATH: &str = "/runbooks";

const TEXT: &str = include_str!("../../../docs/runbooks.md");

/// The page, for the router of what needs no login.
pub fn routes() -> Router {
    Router::new().route(PATH, get(|| async { page(TEXT) }))
}

fn page(text: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (layout::head(Lang::En, "Runbooks", None, false))
            body { main id="main" { @for block in text.split("\n\n") { (block_of(block.trim())) } } }
        }
    }
}

/// A heading, or a paragraph whose labels in bold begin a line.
fn block_of(block: &str) -> Markup {
    if let Some(name) = block.strip_prefix("## ") {
        return html! { h2 id=(name) { a href=(format!("#{name}")) { (name) } } };
    }
    if let Some(title) = block.strip_prefix("# ") {
        return html! { h1 { (title) } };
    }
    html! {
        p {
            @for (nth, line) in block.lines().enumerate() {
                @if nth > 0 && line.starts_with("**") { br; }
                (spans(line)) "\n"
            }
        }
    }
}

/// What stands between marks of Markdown: `**bold**`, `` `code` ``, `*emphasis*` and the text of `[links](address)`.
fn spans(line: &str) -> Markup {
    let mut rest = line;
    let mut parts: Vec<Markup> = Vec::new();
    while let Some(at) = rest.find(['*', '`', '[']) {
        let (before, marked) = rest.split_at(at);
        parts.push(html! { (before) });
        let (part, after) = marked_span(marked);
        parts.push(part);
        rest = after;
    }
    html! { @for part in &parts { (part) } (rest) }
}

/// The span that `text` begins with, and what follows it. A mark without its other end stands for itself.
fn marked_span(text: &str) -> (Markup, &str) {
    let between = |mark: &str, end: &str| text.strip_prefix(mark)?.split_once(end);
    if let Some((bold, after)) = between("**", "**") {
        return (html! { strong { (spans(bold)) } }, after);
    }
    if let Some((code, after)) = between("`", "`") {
        return (html! { code { (code) } }, after);
    }
    if let Some((em, after)) = between("*", "*") {
        return (html! { em { (em) } }, after);
    }
    if let Some((label, after)) = between("[", "](")
        && let Some((_, after)) = after.split_once(')')
    {
        return (spans(label), after);
    }
    let (mark, after) = text.split_at(1);
    (html! { (mark) }, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_markup_and_the_rest_is_escaped() {
        for (text, html) in [
            (
                "**Do:** `a < b*` & *c*",
                "<strong>Do:</strong> <code>a &lt; b*</code> &amp; <em>c</em>",
            ),
            ("see [`x.md`](x.md) (all)", "see <code>x.md</code> (all)"),
            ("2 * 3 [no link", "2 * 3 [no link"),
            ("<script>", "&lt;script&gt;"),
        ] {
            assert_eq!(spans(text).into_string(), html);
        }
    }

    #[test]
    fn every_section_has_its_anchor() {
        let made = page(TEXT).into_string();
        let names: Vec<&str> = TEXT
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert!(made.contains(&format!("<h2 id=\"{name}\">")), "{name}");
        }
        assert!(!made.contains("**"), "a mark is left");
    }
}
