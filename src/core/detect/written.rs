//! Detections as the JSON that lies on their topic: the same bytes as `serde_json` makes of the type, several times as fast.
//!
//! Nine tenths of a detection are names, reasons and an excerpt, which `serde_json` looks through byte by byte; a detection is the
//! larger part of what a report with a hit costs.
//!
//! Invariant: every field is named here, in the order of the type; one that is added there is missed by the compiler here.

use super::json::{Json, Written};
use crate::core::model::{
    DepartmentRequest, Detection, Fingerprint, Match, Place, Position, ReportRef, ScoreLine,
    Urgency,
};

/// Appends the JSON of `detection`.
pub fn write_detection(detection: &Detection, to: &mut Vec<u8>) -> Written {
    Json(to).detection(detection)
}

impl Json<'_> {
    fn detection(&mut self, detection: &Detection) -> Written {
        let Detection {
            v,
            key,
            status,
            exercise,
            hazard,
            rule_id,
            rule_title,
            rule_set,
            severity,
            score,
            matches,
            numbers,
            report,
            place,
            key_place,
            place_assumed,
            also_places,
            ancestors,
            exposure,
            tier,
            quiet_ms,
            urgency,
            departments,
            correlations,
            growth,
            wide_of,
            position,
        } = detection;
        self.shown("{\"v\":", v)?;
        self.member(",\"key\":", key);
        self.member(",\"status\":", status.id());
        if let Some(exercise) = exercise {
            self.member(",\"exercise\":", exercise);
        }
        self.member(",\"hazard\":", hazard.id());
        self.member(",\"rule_id\":", rule_id);
        self.member(",\"rule_title\":", rule_title);
        self.member(",\"rule_set\":", rule_set);
        self.shown(",\"severity\":", severity)?;
        self.list(",\"score\":", score, Self::line)?;
        self.list(",\"matches\":", matches, Self::found)?;
        if !numbers.is_empty() {
            self.any(",\"numbers\":", numbers)?;
        }
        self.raw(",\"report\":");
        self.report(report)?;
        self.raw(",\"place\":");
        self.place(place)?;
        self.raw(",\"key_place\":");
        self.place(key_place)?;
        if *place_assumed {
            self.raw(",\"place_assumed\":true");
        }
        if !also_places.is_empty() {
            self.list(",\"also_places\":", also_places, Self::place)?;
        }
        if !ancestors.is_empty() {
            self.list(",\"ancestors\":", ancestors, |json, code| {
                json.text(code);
                Ok(())
            })?;
        }
        if let Some(exposure) = exposure {
            self.raw(",\"exposure\":");
            self.line(exposure)?;
        }
        self.member(",\"tier\":", tier.id());
        self.shown(",\"quiet_ms\":", quiet_ms)?;
        self.member(",\"urgency\":", named(*urgency));
        if !departments.is_empty() {
            self.list(",\"departments\":", departments, Self::department)?;
        }
        if !correlations.is_empty() {
            self.any(",\"correlations\":", correlations)?;
        }
        if !growth.is_empty() {
            self.any(",\"growth\":", growth)?;
        }
        if let Some(narrower) = wide_of {
            self.member(",\"wide_of\":", narrower);
        }
        self.position(position)?;
        self.raw("}");
        Ok(())
    }

    fn report(&mut self, report: &ReportRef) -> Written {
        let ReportRef {
            id,
            feed,
            kind,
            source,
            reliability,
            observed,
            received,
            title,
            excerpt,
            excerpt_start,
            link,
            content_hash,
            fingerprint,
            withdrawn,
        } = report;
        self.member("{\"id\":", id);
        self.member(",\"feed\":", feed);
        self.member(",\"kind\":", kind.id());
        self.member(",\"source\":", source);
        self.shown(",\"reliability\":", reliability)?;
        if let Some(observed) = observed {
            self.shown(",\"observed\":\"", observed)?;
            self.raw("\"");
        }
        self.shown(",\"received\":\"", received)?;
        self.raw("\"");
        if !title.is_empty() {
            self.member(",\"title\":", title);
        }
        if !excerpt.is_empty() {
            self.member(",\"excerpt\":", excerpt);
        }
        if *excerpt_start != 0 {
            self.shown(",\"excerpt_start\":", excerpt_start)?;
        }
        if let Some(link) = link {
            self.member(",\"link\":", link);
        }
        self.shown(",\"content_hash\":", content_hash)?;
        match fingerprint {
            Some(Fingerprint::Simhash(hash)) => {
                self.shown(",\"fingerprint\":{\"simhash\":", hash)?;
                self.raw("}");
            }
            Some(Fingerprint::Exact(hash)) => {
                self.shown(",\"fingerprint\":{\"exact\":", hash)?;
                self.raw("}");
            }
            None => {}
        }
        self.raw(if *withdrawn {
            ",\"withdrawn\":true}"
        } else {
            "}"
        });
        Ok(())
    }

    fn line(&mut self, line: &ScoreLine) -> Written {
        let ScoreLine {
            points,
            because,
            because_zh,
        } = line;
        self.shown("{\"points\":", points)?;
        self.member(",\"because\":", because);
        if let Some(because) = because_zh {
            self.member(",\"because_zh\":", because);
        }
        self.raw("}");
        Ok(())
    }

    fn found(&mut self, found: &Match) -> Written {
        let Match {
            field,
            span: [from, to],
            term,
            value,
        } = found;
        self.member("{\"field\":", field);
        self.shown(",\"span\":[", from)?;
        self.shown(",", to)?;
        self.member("],\"term\":", term);
        if let Some(value) = value {
            self.member(",\"value\":", value);
        }
        self.raw("}");
        Ok(())
    }

    fn place(&mut self, place: &Place) -> Written {
        let Place {
            code,
            name,
            name_zh,
            tier,
            coordinates,
        } = place;
        self.member("{\"code\":", code);
        self.member(",\"name\":", name);
        if let Some(name) = name_zh {
            self.member(",\"name_zh\":", name);
        }
        self.member(",\"tier\":", tier.id());
        if let Some(at) = coordinates {
            self.any(",\"coordinates\":", at)?;
        }
        self.raw("}");
        Ok(())
    }

    fn department(&mut self, department: &DepartmentRequest) -> Written {
        let DepartmentRequest { id, required } = department;
        self.member("{\"id\":", id);
        self.shown(",\"required\":", required)?;
        self.raw("}");
        Ok(())
    }

    fn position(&mut self, position: &Position) -> Written {
        let Position {
            topic,
            partition,
            offset,
        } = position;
        self.member(",\"position\":{\"topic\":", topic);
        self.shown(",\"partition\":", partition)?;
        self.shown(",\"offset\":", offset)?;
        self.raw("}");
        Ok(())
    }
}

fn named(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Unknown => "Unknown",
        Urgency::Past => "Past",
        Urgency::Future => "Future",
        Urgency::Expected => "Expected",
        Urgency::Immediate => "Immediate",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::core::model::{
        Bound, Coordinates, Correlation, CorrelationType, FeedKind, GrowthField, GrowthLine,
        Hazard, Millis, Status, Tier,
    };

    fn texts() -> impl Strategy<Value = Vec<String>> {
        let text = prop_oneof![
            "[ -~]{0,40}",
            "[一-龥\"\\\\\u{0}-\u{1f}\u{7f}é🔥]{0,40}",
            Just(String::new())
        ];
        proptest::collection::vec(text, 12)
    }

    fn place(texts: &[String], numbers: &[i64], whole: bool) -> Place {
        Place {
            code: texts[0].as_str().into(),
            name: texts[1].as_str().into(),
            name_zh: whole.then(|| texts[2].as_str().into()),
            tier: Tier::ALL[numbers[0].unsigned_abs() as usize % Tier::ALL.len()],
            coordinates: whole.then_some(Coordinates {
                lat: numbers[1] as f64 / 7.0,
                lon: numbers[2] as f64,
            }),
        }
    }

    fn report(texts: &[String], numbers: &[i64], whole: bool) -> ReportRef {
        let hash = numbers[3] as u64;
        ReportRef {
            id: texts[3].clone(),
            feed: texts[4].as_str().into(),
            kind: FeedKind::News,
            source: texts[5].as_str().into(),
            reliability: numbers[4] as u8,
            observed: whole.then_some(Millis(numbers[5])),
            received: Millis(numbers[6] % 4_000_000_000_000),
            title: texts[6].clone(),
            excerpt: texts[7].clone(),
            excerpt_start: numbers[7] as u32 % 3,
            link: whole.then(|| texts[8].clone()),
            content_hash: hash,
            fingerprint: match hash % 3 {
                0 => None,
                1 => Some(Fingerprint::Simhash(hash)),
                _ => Some(Fingerprint::Exact(hash)),
            },
            withdrawn: whole,
        }
    }

    fn detection(texts: &[String], numbers: &[i64], whole: bool) -> Detection {
        let line = |text: &str| ScoreLine {
            points: numbers[0] as i32,
            because: text.to_owned(),
            because_zh: whole.then(|| texts[9].clone()),
        };
        let many = if whole { 3 } else { 0 };
        let correlation = Correlation {
            id: texts[0].as_str().into(),
            kind: CorrelationType::EventCount,
            rules: vec![],
            group_by: vec![texts[1].as_str().into()],
            fields: vec![],
            span_ms: numbers[1],
            bounds: vec![],
            points: 3,
            because: texts[2].clone(),
            because_zh: None,
        };
        let growth = GrowthLine {
            bounds: vec![(GrowthField::W2, Bound::Gte, numbers[2] as f64 / 9.0)],
            points: numbers[3] as i32,
            because: texts[3].clone(),
            because_zh: whole.then(|| texts[4].clone()),
        };
        Detection {
            v: numbers[0] as u8,
            key: texts[10].clone(),
            status: Status::ALL[numbers[1].unsigned_abs() as usize % 3],
            exercise: whole.then(|| texts[11].as_str().into()),
            hazard: Hazard::ALL[numbers[2].unsigned_abs() as usize % Hazard::ALL.len()],
            rule_id: texts[0].as_str().into(),
            rule_title: texts[1].as_str().into(),
            rule_set: texts[2].as_str().into(),
            severity: numbers[3] as u8,
            score: texts[..many].iter().map(|text| line(text)).collect(),
            matches: (0..many)
                .map(|number| Match {
                    field: texts[number].as_str().into(),
                    span: [numbers[0] as u32, numbers[1] as u32],
                    term: texts[3].as_str().into(),
                    value: (number == 1).then(|| texts[4].as_str().into()),
                })
                .collect(),
            numbers: (0..many)
                .map(|number| {
                    (
                        Arc::from(texts[number].as_str()),
                        numbers[number] as f64 / 3.0,
                    )
                })
                .collect(),
            report: report(texts, numbers, whole),
            place: place(texts, numbers, whole),
            key_place: place(&texts[3..], &numbers[1..], !whole),
            place_assumed: whole,
            also_places: vec![place(&texts[4..], &numbers[2..], whole); many],
            ancestors: texts[..many]
                .iter()
                .map(|text| text.as_str().into())
                .collect(),
            exposure: whole.then(|| line(&texts[5])),
            tier: Tier::City,
            quiet_ms: numbers[4],
            urgency: [
                Urgency::Unknown,
                Urgency::Past,
                Urgency::Future,
                Urgency::Expected,
                Urgency::Immediate,
            ][numbers[5].unsigned_abs() as usize % 5],
            departments: texts[..many]
                .iter()
                .map(|text| DepartmentRequest {
                    id: text.as_str().into(),
                    required: text.len() % 2 == 0,
                })
                .collect(),
            correlations: whole.then(|| Arc::new(correlation)).into_iter().collect(),
            growth: whole.then(|| Arc::new(growth)).into_iter().collect(),
            wide_of: whole.then(|| texts[8].as_str().into()),
            position: Position {
                topic: texts[6].as_str().into(),
                partition: numbers[6] as i32,
                offset: numbers[7],
            },
        }
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_serde_json(texts in texts(), numbers in proptest::collection::vec(any::<i64>(), 8), whole: bool) {
            let detection = detection(&texts, &numbers, whole);
            let mut written = b"before".to_vec();
            write_detection(&detection, &mut written).unwrap();
            let expected = serde_json::to_string(&detection).unwrap();
            prop_assert_eq!(std::str::from_utf8(&written[6..]).unwrap(), expected);
        }
    }
}
