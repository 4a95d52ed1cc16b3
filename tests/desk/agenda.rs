//! The agenda of a busy day: many at once say what each says by itself.

use tocsin::core::model::Status;
use tocsin::core::obligation::Action;
use uuid::Uuid;

use super::world::{Site, coordinator, on_both};

#[test]
fn why_many_are_on_the_agenda_is_what_each_case_says() {
    on_both(async |site: Site| {
        // More than one statement asks for.
        let world = site.busy(1_300).await;
        let desk = world.desk;
        let listed = desk.agenda(Status::Actual).await.unwrap();
        assert!(listed.len() > 500, "{}", listed.len());
        let asked = Action::Meeting {
            reason: "two districts share it".to_owned(),
        };
        let first = listed[0].incident;
        desk.act(first, &coordinator(), None, &asked).await.unwrap();
        let nobody = Uuid::from_u128(7);
        let mut ids: Vec<Uuid> = listed.iter().map(|row| row.incident).collect();
        ids.push(nobody);
        let whys = desk.whys(&ids).await.unwrap();
        assert_eq!(whys.len(), listed.len());
        assert!(!whys.contains_key(&nobody));
        for id in ids.iter().step_by(97).take(10) {
            let case = desk.case(*id).await.unwrap();
            assert!(!case.alert.reasons.is_empty());
            assert_eq!(whys[id].reasons, case.alert.reasons);
            assert_eq!(whys[id].asked, case.meeting.map(|it| it.reason));
        }
        assert_eq!(
            whys[&first].asked.as_deref(),
            Some("two districts share it")
        );
    });
}
