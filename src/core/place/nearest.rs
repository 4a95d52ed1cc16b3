//! Coordinates to the nearest populated place, or to a grid cell.
//!
//! Invariant: the answer depends on the set of centroids, not on their order: ties go to the smaller code.

use rustc_hash::FxHashMap;

use crate::core::model::Coordinates;

/// A centroid farther away than this, less the extent of its town, is not "there".
pub const NEAREST_KM: f64 = 50.0;

/// Side of a grid cell, degrees.
pub const GRID_DEGREES: f64 = 0.5;

/// Mean radius of the Earth (IUGG), km.
const EARTH_KM: f64 = 6371.0088;

/// Kilometres per degree of latitude.
const DEGREE_KM: f64 = EARTH_KM * std::f64::consts::PI / 180.0;

/// People per km² by which a population is turned into an extent: about a compact city's.
const DENSITY: f64 = 3000.0;

/// No town reaches farther than this from its centroid, km.
const MAX_EXTENT_KM: f64 = 15.0;

/// Great-circle distance, km (haversine).
pub fn distance_km(a: Coordinates, b: Coordinates) -> f64 {
    let (lat_a, lat_b) = (a.lat.to_radians(), b.lat.to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.lon - a.lon).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    2.0 * EARTH_KM * h.sqrt().min(1.0).asin()
}

/// The radius of a disc that holds `population` at a compact city's density, km.
fn extent_km(population: u32) -> f64 {
    (f64::from(population) / (DENSITY * std::f64::consts::PI))
        .sqrt()
        .min(MAX_EXTENT_KM)
}

/// A centroid that coordinates can resolve to.
#[derive(Clone, Copy, Debug)]
struct Centroid {
    at: Coordinates,
    extent: f64,
    place: u32,
}

/// Centroids in cells of one degree.
#[derive(Debug, Default)]
pub(super) struct Nearest {
    cells: FxHashMap<(i16, i16), Vec<Centroid>>,
}

impl Nearest {
    /// Adds the centroid of the place with index `place`.
    pub(super) fn insert(&mut self, place: u32, at: Coordinates, population: u32) {
        self.cells.entry(cell(at)).or_default().push(Centroid {
            at,
            extent: extent_km(population),
            place,
        });
    }

    /// The place whose town lies nearest to `at`, none within [`NEAREST_KM`].
    ///
    /// Inside a town's extent, the place with the smallest share of its extent between the point and its centroid wins:
    /// a suburb's own centre is the suburb, a point in the outskirts of a large city is that city although the
    /// centroid of a small neighbour is closer. Outside every extent, the nearest edge wins. Places without a
    /// population are points. Ties: the smaller index, which is the smaller code.
    pub(super) fn find(&self, at: Coordinates) -> Option<u32> {
        let reach = NEAREST_KM + MAX_EXTENT_KM;
        let rows = (reach / DEGREE_KM).ceil() as i16;
        let narrow = at.lat.abs().min(89.0).to_radians().cos();
        let columns = ((reach / (DEGREE_KM * narrow)).ceil() as i16).min(180);
        let (row, column) = cell(at);
        let mut best: Option<(f64, u32)> = None;
        for r in row - rows..=row + rows {
            for c in column - columns..=column + columns {
                let wrapped = (c + 180).rem_euclid(360) - 180;
                for centroid in self.cells.get(&(r, wrapped)).into_iter().flatten() {
                    let rank = rank(distance_km(at, centroid.at), centroid.extent);
                    let candidate = (rank, centroid.place);
                    if rank <= NEAREST_KM && best.is_none_or(|found| candidate < found) {
                        best = Some(candidate);
                    }
                }
            }
        }
        best.map(|(_, place)| place)
    }
}

/// −1…0 inside a town's extent, km to its edge outside.
fn rank(distance: f64, extent: f64) -> f64 {
    if distance < extent {
        distance / extent - 1.0
    } else {
        distance - extent
    }
}

fn cell(at: Coordinates) -> (i16, i16) {
    let column = (at.lon.floor() as i16 + 180).rem_euclid(360) - 180;
    (at.lat.floor() as i16, column)
}

/// South-west corner of the grid cell that holds `at`, and its centre.
pub(super) fn grid_cell(at: Coordinates) -> (String, Coordinates) {
    let lon = if at.lon >= 180.0 { -180.0 } else { at.lon };
    let south = (at.lat.min(89.999) / GRID_DEGREES).floor() * GRID_DEGREES;
    let west = (lon / GRID_DEGREES).floor() * GRID_DEGREES;
    let half = GRID_DEGREES / 2.0;
    let centre = Coordinates {
        lat: south + half,
        lon: west + half,
    };
    // Adding 0.0 turns −0.0 into 0.0, so that a cell has one code.
    let code = format!("grid:{:.1},{:.1}", south + 0.0, west + 0.0);
    (code, centre)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Coordinates {
        Coordinates { lat, lon }
    }

    #[test]
    fn distance_of_a_known_pair() {
        // London–Paris by the same formula in any table: 343–344 km.
        let km = distance_km(at(51.5074, -0.1278), at(48.8566, 2.3522));
        assert!((343.0..344.5).contains(&km), "{km}");
    }

    #[test]
    fn large_city_holds_its_outskirts_and_the_suburb_its_centre() {
        let mut nearest = Nearest::default();
        nearest.insert(0, at(37.7749, -122.4194), 864_816);
        nearest.insert(1, at(37.7058, -122.4619), 106_000);
        assert_eq!(nearest.find(at(37.74, -122.49)), Some(0));
        assert_eq!(nearest.find(at(37.7058, -122.4619)), Some(1));
        assert_eq!(nearest.find(at(36.0, -124.5)), None);
    }

    #[test]
    fn finds_across_the_date_line() {
        let mut nearest = Nearest::default();
        nearest.insert(7, at(-16.8, 179.95), 0);
        assert_eq!(nearest.find(at(-16.8, -179.9)), Some(7));
    }

    #[test]
    fn nearest_agrees_with_a_full_scan() {
        let points: Vec<_> = (0..400u32)
            .map(|i| {
                let lat = f64::from(i * 7919 % 1700) / 10.0 - 85.0;
                let lon = f64::from(i * 104_729 % 3600) / 10.0 - 180.0;
                (i, at(lat, lon), i * 5000)
            })
            .collect();
        let mut nearest = Nearest::default();
        for &(place, at, population) in &points {
            nearest.insert(place, at, population);
        }
        for &(_, near, _) in &points {
            let query = at((near.lat + 0.31).min(89.9), near.lon + 0.2);
            let naive = points
                .iter()
                .map(|&(i, p, n)| (rank(distance_km(query, p), extent_km(n)), i))
                .filter(|(rank, _)| *rank <= NEAREST_KM)
                .min_by(|a, b| a.partial_cmp(b).unwrap())
                .map(|(_, i)| i);
            assert_eq!(nearest.find(query), naive, "{query:?}");
        }
    }

    #[test]
    fn grid_codes() {
        assert_eq!(grid_cell(at(35.7, 139.5)).0, "grid:35.5,139.5");
        assert_eq!(grid_cell(at(-0.2, -0.2)).0, "grid:-0.5,-0.5");
        assert_eq!(grid_cell(at(0.2, 0.3)).0, "grid:0.0,0.0");
        assert_eq!(grid_cell(at(90.0, 180.0)).0, "grid:89.5,-180.0");
    }
}
