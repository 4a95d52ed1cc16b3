//! Exposure: what near a place makes an incident there worse.
//!
//! Invariant: it comes from the operator's `exposure.csv` alone, never from words of a report; 0…[`MAX_EXPOSURE`] points.

use super::codes;
use super::gazetteer::Gazetteer;
use super::nearest::distance_km;
use super::source::{at_line, coordinates, records};
use crate::core::diagnostic::Diagnostic;
use crate::core::model::{Coordinates, Place, ScoreLine};

/// Most points that exposure adds.
pub const MAX_EXPOSURE: i32 = 10;

/// Most sites; they are scanned one by one, on hits only.
const MAX_SITES: usize = 4096;

/// Sites named in the reason of a line; the rest are counted.
const NAMED_SITES: usize = 3;

/// Kinds of sites with their names in both languages.
const KINDS: [(&str, &str, &str); 14] = [
    ("airport", "airport", "机场"),
    ("chemical_plant", "chemical plant", "化工厂"),
    ("dam", "dam", "水坝"),
    ("fuel_depot", "fuel depot", "油库"),
    ("hospital", "hospital", "医院"),
    ("landmark", "landmark", "地标"),
    ("market", "market", "市场"),
    ("nuclear_plant", "nuclear plant", "核电站"),
    ("power_plant", "power plant", "电厂"),
    ("school", "school", "学校"),
    ("stadium", "stadium", "体育场馆"),
    ("station", "railway or metro station", "车站"),
    ("tunnel_bridge", "tunnel or bridge", "隧道桥梁"),
    ("water_works", "water works", "水厂"),
];

/// Where a site is.
#[derive(Clone, Debug)]
enum Spot {
    /// A gazetteer entry: the site counts for the place and everything in it.
    Place(u32),
    /// A point: the site counts within so many km.
    Point(Coordinates, f64),
}

#[derive(Clone, Debug)]
struct Site {
    spot: Spot,
    kind: usize,
    name: String,
    points: i32,
}

/// All sites.
#[derive(Clone, Debug, Default)]
pub(super) struct Exposures {
    sites: Vec<Site>,
}

const HEADER: [&str; 7] = ["place", "lat", "lon", "radius_km", "type", "name", "points"];

impl Exposures {
    pub(super) fn parse(
        file: &str,
        text: &str,
        gazetteer: &Gazetteer,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut sites = Vec::new();
        for (line, record) in records(file, text, &HEADER, diagnostics) {
            match site(&record, gazetteer) {
                Ok(site) => sites.push(site),
                Err(message) => diagnostics.push(at_line(file, line, codes::SITE, &message)),
            }
            if sites.len() > MAX_SITES {
                let message = format!("more than {MAX_SITES} sites");
                diagnostics.push(at_line(file, line, codes::TOO_MANY, &message));
                break;
            }
        }
        sites.sort_by(|a, b| (b.points, &a.name).cmp(&(a.points, &b.name)));
        Self { sites }
    }
}

fn site(record: &csv::StringRecord, gazetteer: &Gazetteer) -> Result<Site, String> {
    let field = |index: usize| record.get(index).unwrap_or_default();
    let spot = match (field(0), coordinates(field(1), field(2))?) {
        ("", Some(at)) => Spot::Point(at, radius(field(3))?),
        (code, None) if !code.is_empty() => {
            let index = gazetteer.lookup(code);
            Spot::Place(index.ok_or_else(|| format!("place `{code}` does not exist"))?)
        }
        _ => return Err("a site needs either a place or lat and lon".to_owned()),
    };
    let kind = KINDS
        .iter()
        .position(|(id, _, _)| *id == field(4))
        .ok_or_else(|| format!("`{}` is not a type of site", field(4)))?;
    if field(5).is_empty() || field(5).chars().count() > 80 {
        return Err("a site needs a name of 1 to 80 characters".to_owned());
    }
    let points = field(6)
        .parse()
        .ok()
        .filter(|points| (1..=MAX_EXPOSURE).contains(points))
        .ok_or_else(|| format!("points are 1 to {MAX_EXPOSURE}, not `{}`", field(6)))?;
    Ok(Site {
        spot,
        kind,
        name: field(5).to_owned(),
        points,
    })
}

fn radius(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|radius| (0.1..=100.0).contains(radius))
        .ok_or_else(|| format!("radius_km is 0.1 to 100, not `{text}`"))
}

/// Kilometres that a degree of latitude has at least.
const KM_PER_DEGREE: f64 = 111.0;

impl Gazetteer {
    /// The exposure of a place, 1…[`MAX_EXPOSURE`] points with the sites as the reason; none without a site.
    ///
    /// A site with a place code counts for that place and everything in it. A site with coordinates counts within its
    /// radius of `at`, the report's own coordinates, else of the place's centroid; without either it does not count.
    pub fn exposure(&self, place: &Place, at: Option<Coordinates>) -> Option<ScoreLine> {
        let index = self.index(&place.code);
        let at = at.or(place.coordinates);
        let near = |site: &&Site| match site.spot {
            Spot::Place(wanted) => {
                index.is_some_and(|i| i == wanted || self.parents(i).any(|p| p == wanted))
            }
            Spot::Point(point, radius) => at.is_some_and(|at| {
                // Nearly all sites are told by their latitude alone.
                let north_south = (at.lat - point.lat).abs() * KM_PER_DEGREE;
                north_south <= radius && distance_km(at, point) <= radius
            }),
        };
        let sites: Vec<_> = self.exposures.sites.iter().filter(near).collect();
        if sites.is_empty() {
            return None;
        }
        let points = sites.iter().map(|site| site.points).sum::<i32>();
        let more = sites.len().saturating_sub(NAMED_SITES);
        let named = &sites[..sites.len() - more];
        let en: Vec<_> = named
            .iter()
            .map(|site| format!("{} ({})", site.name, KINDS[site.kind].1))
            .collect();
        let zh: Vec<_> = named
            .iter()
            .map(|site| format!("{}（{}）", site.name, KINDS[site.kind].2))
            .collect();
        let (more_en, more_zh) = match more {
            0 => (String::new(), String::new()),
            n => (format!(" and {n} more"), format!("等{}处", sites.len())),
        };
        Some(ScoreLine::new(
            points.min(MAX_EXPOSURE),
            format!("exposed: {}{more_en}", en.join(", ")),
            format!("暴露目标：{}{more_zh}", zh.join("、")),
        ))
    }
}
