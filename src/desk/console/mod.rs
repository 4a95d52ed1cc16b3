//! The console: pages of the desk, rendered on the server.
//!
//! [`routes::router`] serves the pages to whoever was let in, [`live::Hub`] draws what changes, once for everybody. A page is a function from a view (plain values: [`page`]) and its [`view::Viewer`] to markup; it reads nothing and decides
//! nothing.
//!
//! Invariants: all text of feeds goes through [`text`]; every word through [`words`], in both languages; no page needs an inline
//! script or style, or anything from another server.
//!
//! | to | go to |
//! |---|---|
//! | change a word, add a message | `words.rs`, `chart_words.rs`, `event_words.rs`, `drill_words.rs`, `report_words.rs`, `shadow_words.rs` |
//! | change a page | `page/` |
//! | change the frame, the menu, the keys | `layout.rs`, `assets/console.js` |
//! | change what happens live | `assets/board.js` |
//! | change how runbooks are shown | `runbooks.rs`; what they say: `docs/runbooks.md` |
//! | change a chart that can be pointed at | `page/growth.rs`, `assets/charts.js` |
//! | change colours and sizes | `assets/console.css` |

mod acts;
pub mod assets;
pub mod chart_words;
pub mod drill_words;
mod drills;
pub mod event_words;
pub mod forms;
pub mod from_case;
pub mod lang;
pub mod layout;
pub mod live;
pub mod map;
pub mod page;
pub mod process;
pub mod query;
pub mod report_words;
pub mod routes;
pub mod runbooks;
mod scenarios;
pub mod shadow_words;
mod silences;
pub mod state;
mod streams;
pub mod text;
pub mod time;
pub mod view;
pub mod widgets;
pub mod words;
