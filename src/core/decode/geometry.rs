//! One point for an area.
//!
//! Invariant: points that cannot be read are left out; an area without any has no point.

use super::tree::Json;
use crate::core::model::Coordinates;

/// Points of one shape that are looked at; a coastline needs no more for its middle.
const MAX_POINTS: usize = 20_000;

/// Area-weighted centroid of a polygon's ring (shoelace formula), or the mean of its points where it has no area.
///
/// Points are (latitude, longitude). A ring over the date line is moved to one side of it first.
pub(super) fn centroid(points: &[(f64, f64)]) -> Option<Coordinates> {
    let first = points.first()?;
    let near = |lon: f64| {
        let turn = ((lon - first.1) / 360.0).round() * 360.0;
        lon - turn
    };
    // Relative to the first point, so that small areas keep their digits.
    let relative: Vec<(f64, f64)> = points
        .iter()
        .map(|(lat, lon)| (lat - first.0, near(*lon) - first.1))
        .collect();
    let (mut double_area, mut lat, mut lon) = (0.0, 0.0, 0.0);
    for (index, a) in relative.iter().enumerate() {
        let b = relative[(index + 1) % relative.len()];
        let cross = a.1 * b.0 - b.1 * a.0;
        double_area += cross;
        lat += (a.0 + b.0) * cross;
        lon += (a.1 + b.1) * cross;
    }
    let (lat, lon) = if double_area.abs() > 1e-9 {
        (lat / (3.0 * double_area), lon / (3.0 * double_area))
    } else {
        let count = relative.len() as f64;
        (
            relative.iter().map(|p| p.0).sum::<f64>() / count,
            relative.iter().map(|p| p.1).sum::<f64>() / count,
        )
    };
    let lon = first.1 + lon;
    Coordinates::new(
        first.0 + lat,
        if lon.abs() > 180.0 {
            lon - lon.signum() * 360.0
        } else {
            lon
        },
    )
}

/// `lat,lon` pairs separated by white space, as CAP writes polygons. What is no pair is left out.
pub(super) fn pairs(text: &str) -> Vec<(f64, f64)> {
    let pair = |word: &str| {
        let (lat, lon) = word.split_once(',')?;
        valid(
            lat.trim().parse().ok()?,
            lon.trim().trim_end_matches(',').parse().ok()?,
        )
    };
    text.split_whitespace()
        .filter_map(pair)
        .take(MAX_POINTS)
        .collect()
}

/// Numbers separated by white space or commas, two by two, as GeoRSS writes points and polygons.
pub(super) fn numbers(text: &str) -> Vec<(f64, f64)> {
    let numbers: Vec<f64> = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map_while(|word| word.parse().ok())
        .take(2 * MAX_POINTS)
        .collect();
    numbers
        .chunks_exact(2)
        .filter_map(|pair| valid(pair[0], pair[1]))
        .collect()
}

fn valid(lat: f64, lon: f64) -> Option<(f64, f64)> {
    (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some((lat, lon))
}

/// A GeoJSON geometry: its point and, for points, the third coordinate.
pub(super) fn geojson(geometry: &Json<'_>) -> Option<(Coordinates, Option<f64>)> {
    let kind = geometry.text_of("type")?;
    if kind == "GeometryCollection" {
        // One level is enough, and keeps this from calling itself.
        let first = geometry.get("geometries")?.elements().first()?;
        return if first.text_of("type")? == "GeometryCollection" {
            None
        } else {
            geojson(first)
        };
    }
    let mut level = geometry.get("coordinates")?;
    // Down to the list of positions of the first (outer) ring or line, or to the position itself.
    while level.elements().first().is_some_and(|first| {
        first
            .elements()
            .first()
            .is_some_and(|inner| !inner.elements().is_empty())
    }) {
        level = level.elements().first()?;
    }
    let position = |value: &Json<'_>| {
        let parts = value.elements();
        valid(parts.get(1)?.number()?, parts.first()?.number()?)
    };
    if level.elements().first()?.elements().is_empty() {
        let (lat, lon) = position(level)?;
        let third = level.elements().get(2).and_then(Json::number);
        return Some((Coordinates::new(lat, lon)?, third));
    }
    let points: Vec<_> = level
        .elements()
        .iter()
        .filter_map(position)
        .take(MAX_POINTS)
        .collect();
    Some((centroid(&points)?, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles() {
        let square = centroid(&[
            (0.0, 10.0),
            (0.0, 12.0),
            (2.0, 12.0),
            (2.0, 10.0),
            (0.0, 10.0),
        ])
        .unwrap();
        assert!((square.lat - 1.0).abs() < 1e-9 && (square.lon - 11.0).abs() < 1e-9);
        let over_the_date_line =
            centroid(&[(0.0, 179.0), (0.0, -179.0), (2.0, -179.0), (2.0, 179.0)]).unwrap();
        assert!((over_the_date_line.lon.abs() - 180.0).abs() < 1e-9);
        let line = centroid(&[(10.0, 20.0), (12.0, 22.0)]).unwrap();
        assert!((line.lat - 11.0).abs() < 1e-9 && (line.lon - 21.0).abs() < 1e-9);
        assert_eq!(centroid(&[]), None);
    }

    #[test]
    fn broken_pairs_are_left_out() {
        assert_eq!(
            pairs("+41.12,-117.61 40.85,-118.09, 95,1 x 1,2,3"),
            [(41.12, -117.61), (40.85, -118.09)]
        );
        assert_eq!(numbers("-19.4 59.8"), [(-19.4, 59.8)]);
        assert_eq!(numbers("none"), []);
    }

    #[test]
    fn geometries() {
        let at = |json: &str| geojson(&Json::parse(json).unwrap());
        let (point, depth) = at(r#"{"type":"Point","coordinates":[-118.6,34.4,26.49]}"#).unwrap();
        assert_eq!((point.lat, point.lon, depth), (34.4, -118.6, Some(26.49)));
        let (middle, _) =
            at(r#"{"type":"MultiPolygon","coordinates":[[[[10,0],[12,0],[12,2],[10,2]]]]}"#)
                .unwrap();
        assert!((middle.lat - 1.0).abs() < 1e-9 && (middle.lon - 11.0).abs() < 1e-9);
        assert_eq!(at(r#"{"type":"Point","coordinates":[]}"#), None);
        assert_eq!(at(r#"{"type":"Point","coordinates":[200,100]}"#), None);
    }
}
