//! Files → the gazetteer, with everything that is wrong with them.
//!
//! Invariant: what comes out keeps what `gazetteer` promises, whatever the order of the files.

use sha2::{Digest as _, Sha256};

use super::{Entry, Gazetteer, Span, hash};
use crate::core::diagnostic::Diagnostic;
use crate::core::model::Tier;
use crate::core::place::codes;
use crate::core::place::exposure::Exposures;
use crate::core::place::names::{NameList, Use};
use crate::core::place::source::{
    FileKind, GazetteerSources, MAX_ROWS, PlaceRow, at_line, place_rows, records, whole_file,
};

impl Gazetteer {
    /// Builds the gazetteer, or names everything that is wrong with its files.
    ///
    /// Without any file the gazetteer is empty and valid: coordinates become grid cells.
    pub fn build(sources: &GazetteerSources) -> Result<Self, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let mut rows = Vec::new();
        let mut texts = Vec::new();
        let mut files: Vec<_> = sources.files.iter().collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        for file in files {
            match file.kind() {
                FileKind::Other => {}
                kind => match file.text() {
                    Ok(text) => texts.push((kind, file.name.as_str(), text)),
                    Err(diagnostic) => diagnostics.push(diagnostic),
                },
            }
        }
        for (_, name, text) in texts.iter().filter(|file| file.0 == FileKind::Places) {
            rows.append(&mut place_rows(name, text, &mut diagnostics));
            if rows.len() > MAX_ROWS {
                let message = format!("more than {MAX_ROWS} places");
                diagnostics.push(whole_file(name, codes::TOO_MANY, &message));
                return Err(diagnostics);
            }
        }
        let mut names = NameList::default();
        let mut gazetteer = Self::from_rows(rows, &mut names, &mut diagnostics);
        for (kind, name, text) in &texts {
            match kind {
                FileKind::Codes => gazetteer.add_codes(name, text, &mut diagnostics),
                FileKind::Names => gazetteer.add_names(name, text, &mut names, &mut diagnostics),
                FileKind::Guarded => text
                    .lines()
                    .filter(|line| !line.starts_with('#'))
                    .for_each(|line| names.guard(line.trim())),
                FileKind::Exposure => {
                    let exposures = Exposures::parse(name, text, &gazetteer, &mut diagnostics);
                    gazetteer.exposures = exposures;
                }
                _ => {}
            }
        }
        match names.build(|entry| gazetteer.rank(entry)) {
            Ok(names) => gazetteer.names = names,
            Err(message) => diagnostics.push(whole_file("names", codes::NAMES, &message)),
        }
        gazetteer.digest = digest(sources);
        if diagnostics.is_empty() {
            Ok(gazetteer)
        } else {
            Err(diagnostics)
        }
    }

    fn from_rows(
        mut rows: Vec<PlaceRow>,
        names: &mut NameList,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        rows.sort_by(|a, b| a.code.cmp(&b.code));
        let mut gazetteer = Self::default();
        for (index, row) in rows.iter().enumerate() {
            if index > 0 && rows[index - 1].code == row.code {
                let message = format!("`{}` is listed twice", row.code);
                diagnostics.push(whole_file(&row.code, codes::TWICE, &message));
            }
            let entry = Entry {
                code: gazetteer.intern(&row.code),
                name: gazetteer.intern(if row.name.is_empty() {
                    &row.name_zh
                } else {
                    &row.name
                }),
                name_zh: gazetteer.intern(&row.name_zh),
                tier: row.tier,
                parent: None,
                at: row.coordinates,
                population: row.population,
            };
            gazetteer.entries.push(entry);
            gazetteer.by_code.insert(hash(&row.code), index as u32);
            for name in [&row.name, &row.name_zh, &row.short_zh] {
                names.add(name, index as u32, Use::Any);
            }
            // 街道, 农场, 工业园区: a township that is called by what it is.
            let endings = ['镇', '乡', '木'];
            let named = row.name_zh.ends_with(endings) || row.name_zh.ends_with("街道");
            if row.tier == Tier::Township && !(named && row.name_zh.chars().count() >= 3) {
                names.guard(&row.name_zh);
            }
        }
        for (index, row) in rows.iter().enumerate() {
            if row.parent.is_empty() {
                continue;
            }
            // A parent of a higher tier cannot lead back here: that is what rules out cycles.
            match gazetteer.index(&row.parent) {
                Some(parent) if gazetteer.entries[parent as usize].tier > row.tier => {
                    gazetteer.entries[index].parent = Some(parent);
                }
                Some(_) => diagnostics.push(whole_file(
                    &row.code,
                    codes::PARENT,
                    &format!("its parent `{}` is not of a higher tier", row.parent),
                )),
                None => diagnostics.push(whole_file(
                    &row.code,
                    codes::UNKNOWN_PLACE,
                    &format!("its parent `{}` does not exist", row.parent),
                )),
            }
        }
        gazetteer.index_centroids();
        gazetteer
    }

    /// County- and city-level centroids: a township has none, a province's says nothing about a point in it. A city
    /// that is divided into counties is not a candidate: its counties are.
    fn index_centroids(&mut self) {
        let mut divided = vec![false; self.entries.len()];
        for entry in &self.entries {
            if let (Tier::County, Some(parent)) = (entry.tier, entry.parent) {
                divided[parent as usize] = true;
            }
        }
        for (index, entry) in self.entries.iter().enumerate() {
            let candidate = matches!(entry.tier, Tier::County | Tier::City) && !divided[index];
            if let (true, Some(at)) = (candidate, entry.at) {
                self.nearest.insert(index as u32, at, entry.population);
            }
        }
    }

    fn add_codes(&mut self, file: &str, text: &str, diagnostics: &mut Vec<Diagnostic>) {
        for (line, record) in records(file, text, &["alias", "code"], diagnostics) {
            let (alias, code) = (
                record.get(0).unwrap_or_default(),
                record.get(1).unwrap_or_default(),
            );
            match self.index(code) {
                Some(index) => {
                    self.other_codes.insert(alias.into(), index);
                }
                None => diagnostics.push(at_line(
                    file,
                    line,
                    codes::UNKNOWN_PLACE,
                    &format!("`{code}` does not exist"),
                )),
            }
        }
    }

    fn add_names(
        &self,
        file: &str,
        text: &str,
        names: &mut NameList,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        for (line, record) in records(file, text, &["code", "alias", "use"], diagnostics) {
            let field = |index: usize| record.get(index).unwrap_or_default();
            let usage = match field(2) {
                "" => Some(Use::Any),
                "after" => Some(Use::After),
                _ => None,
            };
            match (self.index(field(0)), usage) {
                (Some(index), Some(usage)) => names.add(field(1), index, usage),
                (None, _) => diagnostics.push(at_line(
                    file,
                    line,
                    codes::UNKNOWN_PLACE,
                    &format!("`{}` does not exist", field(0)),
                )),
                (_, None) => diagnostics.push(at_line(
                    file,
                    line,
                    codes::VALUE,
                    &format!("use is empty or `after`, not `{}`", field(2)),
                )),
            }
        }
    }

    /// Orders the entries of one name, the most likely first: countries, cities of a million, provinces, then by
    /// population; Chinese divisions by tier, then by their own or their city's population.
    fn rank(&self, index: u32) -> (u8, std::cmp::Reverse<u32>, std::cmp::Reverse<u32>, u32) {
        const METROPOLIS: u32 = 1_000_000;
        let entry = self.entry(index);
        let chinese = self.str(entry.code).starts_with("cn-");
        let class = match entry.tier {
            Tier::Country => 0,
            Tier::City if !chinese && entry.population >= METROPOLIS => 1,
            Tier::Province => 2,
            Tier::City => 3,
            Tier::County => 4,
            Tier::Township => 5,
        };
        let above = entry
            .parent
            .map_or(0, |parent| self.entry(parent).population);
        let reverse = std::cmp::Reverse;
        (class, reverse(entry.population), reverse(above), index)
    }

    fn intern(&mut self, text: &str) -> Span {
        let span = Span {
            start: self.arena.len() as u32,
            length: text.len() as u8,
        };
        self.arena.push_str(text);
        span
    }
}

pub(super) fn digest(sources: &GazetteerSources) -> [u8; 32] {
    let mut files: Vec<_> = sources
        .files
        .iter()
        .filter(|file| file.kind() != FileKind::Other)
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for file in files {
        for part in [file.name.as_bytes(), &file.bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}
