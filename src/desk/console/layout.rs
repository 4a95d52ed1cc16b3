//! The frame of every page: head, menu, switches, help, the place where news is announced.
//!
//! Invariant: no inline script, no inline style; what the scripts need stands in `data-` attributes and `meta` elements.

use maud::{DOCTYPE, Markup, html};

use super::assets::asset;
use super::lang::Lang;
use super::view::{self, Theme, Viewer};
use super::words::Msg;

/// Settings of htmx: nothing evaluated, no style injected, answers with an error status are shown.
const HTMX: &str = r#"{"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,"selfRequestsOnly":true,"historyCacheSize":0,"scrollIntoViewOnBoost":false,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"[45]..","swap":true,"error":true}]}"#;

/// An entry of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Tab {
    Board,
    Agenda,
    Department,
    Search,
    Since,
    Report,
    Rules,
    Feeds,
    Audit,
    Silences,
    Drills,
    /// A page that is not in the menu.
    None,
}

impl Tab {
    const MENU: &'static [Self] = &[
        Self::Board,
        Self::Agenda,
        Self::Department,
        Self::Since,
        Self::Search,
        Self::Rules,
        Self::Feeds,
        Self::Audit,
        Self::Silences,
        Self::Drills,
    ];

    fn is_for(self, viewer: &Viewer) -> bool {
        match self {
            Self::Audit => viewer.audits(),
            Self::Feeds => viewer.feeds,
            Self::Drills => viewer.runs_drills(),
            _ => true,
        }
    }

    /// Its address; none of a page that is not in the menu.
    fn path(self) -> Option<&'static str> {
        match self {
            Self::Board => Some("/"),
            Self::Agenda => Some("/agenda"),
            Self::Department => Some("/departments"),
            Self::Search => Some("/search"),
            Self::Since => Some("/since"),
            Self::Report => Some("/report"),
            Self::Rules => Some("/rules"),
            Self::Feeds => Some("/feeds"),
            Self::Audit => Some("/audit"),
            Self::Silences => Some("/silences"),
            Self::Drills => Some("/drills"),
            Self::None => None,
        }
    }

    fn name(self) -> Msg {
        match self {
            Self::Board | Self::None => Msg::Board,
            Self::Agenda => Msg::Agenda,
            Self::Department => Msg::Departments,
            Self::Search => Msg::Closed,
            Self::Since => Msg::Since,
            Self::Report => Msg::NewReport,
            Self::Rules => Msg::Rules,
            Self::Feeds => Msg::Feeds,
            Self::Audit => Msg::Audit,
            Self::Silences => Msg::Silences,
            Self::Drills => Msg::Drills,
        }
    }
}

/// A whole page.
pub fn page(viewer: &Viewer, tab: Tab, title: &str, body: &Markup) -> Markup {
    whole(viewer, tab, title, body, false)
}

/// A page that may have charts, now or after a change.
pub fn page_with_charts(viewer: &Viewer, tab: Tab, title: &str, body: &Markup) -> Markup {
    whole(viewer, tab, title, body, true)
}

fn whole(viewer: &Viewer, tab: Tab, title: &str, body: &Markup, charts: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(viewer.lang.tag()) data-theme=(viewer.theme.id()) {
            (head(viewer.lang, title, Some(viewer), charts))
            body data-dept=[viewer.department.as_deref()] data-me=(viewer.name) {
                a.skip href="#main" { (viewer.t(Msg::SkipToContent)) }
                (bar(viewer, tab))
                main id="main" tabindex="-1" { (body) }
                div id="announce" role="status" aria-live="polite" {}
                (help(viewer))
            }
        }
    }
}

/// Head of a page; `viewer` is absent before the login, `charts` has those drawn that the page has.
pub fn head(lang: Lang, title: &str, viewer: Option<&Viewer>, charts: bool) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="dark light";
            meta name="htmx-config" content=(HTMX);
            title { (title) " · Tocsin" }
            link rel="icon" type="image/svg+xml" href=(asset("icon.svg"));
            link rel="stylesheet" href=(asset("console.css"));
            @if let Some(viewer) = viewer {
                meta name="csrf" content=(viewer.csrf);
                meta name="now" content=(viewer.now.0);
                script src=(asset("htmx.min.js")) defer {}
                script src=(asset("sse.min.js")) defer {}
                script src=(asset("console.js")) defer data-lang=(lang.tag())
                    data-late=(lang.t(Msg::LateBy)) data-left=(lang.t(Msg::TimeLeft))
                    data-lost=(lang.t(Msg::ConnectionLost)) data-sound-on=(lang.t(Msg::SoundOn)) data-sound-off=(lang.t(Msg::SoundOff))
                    data-failed=(lang.t(Msg::RequestFailed)) {}
                script src=(asset("board.js")) defer data-lang=(lang.tag()) data-new=(lang.t(Msg::NewIncidents))
                    data-alarm=(lang.t(Msg::AlarmTitle)) {}
                @if charts {
                    link rel="stylesheet" href=(asset("uplot.min.css"));
                    script src=(asset("uplot.min.js")) defer {}
                    script src=(asset("charts.js")) defer {}
                }
            }
        }
    }
}

fn bar(viewer: &Viewer, tab: Tab) -> Markup {
    html! {
        header.bar {
            a.brand href="/" aria-label="Tocsin" {
                svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false" {
                    path d="M12 2a1.5 1.5 0 0 1 1.5 1.5v.7A6.5 6.5 0 0 1 18.5 10.500v4l2 3v1h-17v-1l2-3v-4a6.500 6.500 0 0 1 5-6.300v-.7A1.500 1.500 0 0 1 12 2Zm-2.500 18h5a2.500 2.500 0 0 1-5 0Z" {}
                }
                span { "Tocsin" }
            }
            nav aria-label=(viewer.t(Msg::Menu)) {
                @for entry in Tab::MENU {
                    @if let Some(path) = entry.path().filter(|_| entry.is_for(viewer)) {
                        a href=(path) aria-current=[(*entry == tab).then_some("page")] { (viewer.t(entry.name())) }
                    }
                }
            }
            div.tools {
                @if viewer.reports() {
                    a.button.small href="/report" { "+ " (viewer.t(Msg::NewReport)) }
                }
                span #live .live title=(viewer.t(Msg::LiveTitle)) { span.dot {} span.word { (viewer.t(Msg::Live)) } }
                button #sound .icon type="button" aria-pressed="false" title=(viewer.t(Msg::SoundTitle)) aria-label=(viewer.t(Msg::SoundTitle)) {
                    svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false" {
                        path d="M3 8v4h3l4 4V4L6 8Z" {}
                        path.waves d="M13 6.500a5 5 0 0 1 0 7M15.200 4a8.500 8.500 0 0 1 0 12" {}
                        path.mute d="m13 8 4 4m0-4-4 4" {}
                    }
                }
                (switches(viewer))
                button #help-button .icon type="button" title=(viewer.t(Msg::Shortcuts)) aria-label=(viewer.t(Msg::Shortcuts)) { "?" }
                (who(viewer))
            }
        }
    }
}

fn switches(viewer: &Viewer) -> Markup {
    let other = viewer.lang.other();
    let theme = match viewer.theme {
        Theme::Auto => Theme::Dark,
        Theme::Dark => Theme::Light,
        Theme::Light => Theme::Auto,
    };
    html! {
        form.switch method="post" action="/preferences" {
            input type="hidden" name="csrf" value=(viewer.csrf);
            input type="hidden" name="back" value=(viewer.here);
            button.icon name="lang" value=(other.tag()) lang=(other.tag()) {
                (match other { Lang::En => "EN", Lang::Zh => "中文" })
            }
            button.icon name="theme" value=(theme.id()) title=(viewer.t(Msg::ThemeTitle)) aria-label=(viewer.t(Msg::ThemeTitle)) {
                (match viewer.theme { Theme::Auto => "◐", Theme::Dark => "●", Theme::Light => "○" })
            }
        }
    }
}

fn who(viewer: &Viewer) -> Markup {
    html! {
        details.who {
            summary { span.name { (viewer.name) } }
            div.menu {
                p { strong { (viewer.name) } br; (viewer.t(view::role(viewer.role)))
                    @if let Some(department) = &viewer.department { " · " (viewer.dept(department)) }
                }
                form method="post" action="/logout" {
                    input type="hidden" name="csrf" value=(viewer.csrf);
                    button { (viewer.t(Msg::LogOut)) }
                }
            }
        }
    }
}

fn help(viewer: &Viewer) -> Markup {
    let keys = [
        ("j", Msg::KeyNext),
        ("k", Msg::KeyPrevious),
        ("Enter", Msg::KeyOpen),
        ("a", Msg::KeyAcknowledge),
        ("e", Msg::KeyCorrect),
        ("d", Msg::KeyDispose),
        ("/", Msg::KeySearch),
        ("b", Msg::KeyBoard),
        ("?", Msg::KeyHelp),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { (viewer.t(Msg::Shortcuts)) }
            dl.keys {
                @for (key, what) in keys { div { dt { kbd { (key) } } dd { (viewer.t(what)) } } }
            }
            form method="dialog" { button { (viewer.t(Msg::Close)) } }
        }
    }
}
