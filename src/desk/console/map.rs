//! A small map drawn from the gazetteer's coordinates alone: no tiles, no other server.
//!
//! Equirectangular around the incident, the longitude scaled by the cosine of its latitude; distances are great circles. What
//! is on it: the incident, its other places, open incidents near by, towns for orientation, a grid in degrees and a scale.

use maud::{Markup, html};

use super::lang::Lang;
use super::text::harmless;
use super::view;
use super::words::Msg;
use crate::core::model::{Coordinates, Level, Place};

/// Width of the drawing, units.
const WIDTH: f64 = 420.0;
/// Height.
const HEIGHT: f64 = 260.0;
/// Kilometres per degree of latitude (IUGG mean radius 6371.0088 km).
const KM_PER_DEGREE: f64 = 111.195;
/// Towns with a name.
const NAMED: usize = 9;
/// Smallest and largest half height, degrees.
const REACH: (f64, f64) = (0.4, 40.0);

/// Something else that is open near by.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// Where.
    pub at: Coordinates,
    /// Level.
    pub level: Level,
    /// What it is, for the title.
    pub label: String,
    /// Address of its page.
    pub href: String,
}

/// What a map shows.
#[derive(Clone, Debug, PartialEq)]
pub struct MapView {
    /// The incident.
    pub center: Coordinates,
    /// Its level.
    pub level: Level,
    /// Name of its place.
    pub label: String,
    /// Other places that its reports mention.
    pub also: Vec<Place>,
    /// Open incidents near by.
    pub near: Vec<Near>,
    /// Towns for orientation, the largest first.
    pub towns: Vec<Place>,
}

/// Degrees to units.
struct Frame {
    center: Coordinates,
    /// Units per degree of latitude.
    scale: f64,
    /// Shrinking of a degree of longitude.
    squeeze: f64,
}

impl Frame {
    /// Wide enough for the places that the reports mention, within [`REACH`].
    fn around(view: &MapView) -> Self {
        let squeeze = view.center.lat.to_radians().cos().max(0.05);
        let reach = view
            .also
            .iter()
            .filter_map(|place| place.coordinates)
            .map(|at| {
                let dy = (at.lat - view.center.lat).abs();
                let dx = lon_apart(at.lon, view.center.lon).abs() * squeeze * HEIGHT / WIDTH;
                dy.max(dx) * 1.25
            })
            .filter(|reach| *reach <= REACH.1)
            .fold(REACH.0, f64::max);
        Self {
            center: view.center,
            scale: HEIGHT / 2.0 / reach,
            squeeze,
        }
    }

    /// Position of a point, when it is on the drawing.
    fn place(&self, at: Coordinates) -> Option<(f64, f64)> {
        let x = WIDTH / 2.0 + lon_apart(at.lon, self.center.lon) * self.squeeze * self.scale;
        let y = HEIGHT / 2.0 - (at.lat - self.center.lat) * self.scale;
        ((4.0..WIDTH - 4.0).contains(&x) && (4.0..HEIGHT - 4.0).contains(&y)).then_some((x, y))
    }

    /// Step of the grid: the first that leaves at most six lines across.
    fn step(&self) -> f64 {
        let width = WIDTH / self.scale / self.squeeze;
        [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
            .into_iter()
            .find(|step| width / step <= 6.0)
            .unwrap_or(45.0)
    }
}

/// Signed difference of longitudes, the short way round.
fn lon_apart(a: f64, b: f64) -> f64 {
    (a - b + 540.0).rem_euclid(360.0) - 180.0
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Draws it.
pub fn map(lang: Lang, view: &MapView) -> Markup {
    let frame = Frame::around(view);
    let label = lang.fill(Msg::MapLabel, harmless(&view.label));
    html! {
        svg.map viewBox={"0 0 " (WIDTH) " " (HEIGHT)} role="group" aria-label=(label) {
            (grid(&frame))
            (towns(lang, view, &frame))
            @for place in &view.also {
                @if let Some((x, y)) = place.coordinates.and_then(|at| frame.place(at)) {
                    @let name = harmless(view::place(lang, place));
                    g.also { title { (name) } circle cx=(round(x)) cy=(round(y)) r="4" {} }
                }
            }
            @for near in &view.near {
                @if let Some((x, y)) = frame.place(near.at) {
                    a href=(near.href) {
                        title { (harmless(&near.label)) }
                        circle class={"near lv-" (near.level.id())} cx=(round(x)) cy=(round(y)) r="5" {}
                    }
                }
            }
            (center(view))
            (scale_bar(&frame))
        }
    }
}

fn center(view: &MapView) -> Markup {
    let (x, y) = (WIDTH / 2.0, HEIGHT / 2.0);
    html! {
        g class={"here lv-" (view.level.id())} {
            circle.halo cx=(x) cy=(y) r="16" {}
            circle.dot cx=(x) cy=(y) r="6" {}
            text x=(x + 12.0) y=(y - 10.0) { (harmless(&view.label)) }
        }
    }
}

fn grid(frame: &Frame) -> Markup {
    let step = frame.step();
    let (half_lat, half_lon) = (
        HEIGHT / 2.0 / frame.scale,
        WIDTH / 2.0 / frame.scale / frame.squeeze,
    );
    let lines = |center: f64, half: f64| {
        let first = ((center - half) / step).ceil() as i64;
        let last = ((center + half) / step).floor() as i64;
        (first..=last.min(first + 12)).map(move |n| n as f64 * step)
    };
    html! {
        g.grid {
            @for lon in lines(frame.center.lon, half_lon) {
                @let x = round(WIDTH / 2.0 + (lon - frame.center.lon) * frame.squeeze * frame.scale);
                line x1=(x) x2=(x) y1="0" y2=(HEIGHT) {}
                text x=(x + 2.0) y=(HEIGHT - 4.0) { (degrees(lon_apart(lon, 0.0), 'E', 'W')) }
            }
            @for lat in lines(frame.center.lat, half_lat) {
                @let y = round(HEIGHT / 2.0 - (lat - frame.center.lat) * frame.scale);
                line x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                text x="3" y=(y - 2.0) { (degrees(lat, 'N', 'S')) }
            }
        }
    }
}

fn degrees(value: f64, positive: char, negative: char) -> String {
    let side = if value < 0.0 { negative } else { positive };
    format!("{}°{side}", (value.abs() * 100.0).round() / 100.0)
}

/// Dots for all, names for the largest that do not overlap.
fn towns(lang: Lang, view: &MapView, frame: &Frame) -> Markup {
    let mut labels: Vec<(f64, f64)> = vec![(WIDTH / 2.0 + 12.0, HEIGHT / 2.0 - 10.0)];
    let mut named = Vec::new();
    let mut dots = Vec::new();
    for place in &view.towns {
        let Some((x, y)) = place.coordinates.and_then(|at| frame.place(at)) else {
            continue;
        };
        dots.push((x, y));
        let clear = labels
            .iter()
            .all(|(lx, ly)| (lx - x).abs() > 84.0 || (ly - y).abs() > 14.0);
        // The scale stands in the upper right corner.
        let corner = x > WIDTH * 0.6 && y < 30.0;
        if clear && !corner && named.len() < NAMED && x < WIDTH - 60.0 && y > 14.0 {
            labels.push((x, y));
            named.push((x, y, harmless(view::place(lang, place))));
        }
    }
    html! {
        g.towns {
            @for (x, y) in &dots { circle cx=(round(*x)) cy=(round(*y)) r="1.6" {} }
            @for (x, y, name) in &named { text x=(round(x + 4.0)) y=(round(y + 3.5)) { (name) } }
        }
    }
}

/// A round length of about a quarter of the width.
fn scale_bar(frame: &Frame) -> Markup {
    let km_per_unit = KM_PER_DEGREE / frame.scale;
    let wanted = WIDTH / 4.0 * km_per_unit;
    let magnitude = 10_f64.powf(wanted.log10().floor());
    let km = [5.0, 2.0, 1.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|km| *km <= wanted)
        .unwrap_or(magnitude);
    let width = round(km / km_per_unit);
    let left = WIDTH - width - 10.0;
    html! {
        g.scale {
            path d={"M" (left) " 12v5h" (width) "v-5"} {}
            text x=(left + width / 2.0) y="12" text-anchor="middle" { (km) " km" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(lat: f64, lon: f64) -> MapView {
        MapView {
            center: Coordinates::new(lat, lon).unwrap(),
            level: Level::Red,
            label: "<b>here</b>".to_owned(),
            also: Vec::new(),
            near: Vec::new(),
            towns: Vec::new(),
        }
    }

    #[test]
    fn the_date_line_and_the_poles_can_be_drawn() {
        for (lat, lon) in [(0.0, 180.0), (89.9, 0.0), (-90.0, -180.0), (31.2, 121.5)] {
            let html = map(Lang::En, &view(lat, lon)).into_string();
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
            assert!(html.contains("&lt;b&gt;here"), "{html}");
        }
        let mut across = view(10.0, 179.9);
        across.near.push(Near {
            at: Coordinates::new(10.0, -179.9).unwrap(),
            level: Level::Blue,
            label: "near".to_owned(),
            href: "/incidents/x".to_owned(),
        });
        assert!(
            map(Lang::En, &across)
                .into_string()
                .contains("class=\"near")
        );
    }

    #[test]
    fn a_far_mention_widens_the_map_within_reason() {
        let place = |lat, lon| Place {
            coordinates: Coordinates::new(lat, lon),
            ..Place::none()
        };
        let mut wide = view(31.0, 121.0);
        wide.also.push(place(33.0, 121.0));
        assert!((HEIGHT / 2.0 / Frame::around(&wide).scale - 2.5).abs() < 1e-9);
        wide.also = vec![place(-80.0, 0.0)];
        assert!((HEIGHT / 2.0 / Frame::around(&wide).scale - REACH.0).abs() < 1e-9);
    }
}
