//! Places: the shipped gazetteer against sentences as reports write them, and against any text.

use std::sync::LazyLock;

use proptest::prelude::*;
use tocsin::core::model::Coordinates;
use tocsin::core::normalise::normalise;
use tocsin::core::place::{Gazetteer, GazetteerSources, MAX_ALSO, PlaceFile, PlaceQuery, Resolved};

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/places");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file()).map(|path| PlaceFile {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        bytes: std::fs::read(&path).unwrap(),
    });
    Gazetteer::build(&GazetteerSources {
        files: files.collect(),
    })
    .unwrap()
});

fn resolve(title: &str, text: &str, home: Option<&str>) -> Resolved {
    GAZETTEER.resolve(&PlaceQuery {
        title,
        text,
        home,
        ..PlaceQuery::default()
    })
}

#[test]
fn sentences_to_places() {
    for (text, code) in [
        ("四川省雅安市芦山县发生7.0级地震", "cn-511826"),
        (
            "新华社北京4月20日电 北京时间4月20日8时02分，四川芦山发生地震",
            "cn-511826",
        ),
        ("上海浦东一化工厂爆炸", "cn-310115"),
        ("浦東新區一工廠起火", "cn-310115"),
        ("密云县庄头峪村附近路段", "cn-110118"),
        ("上海市南京路一商铺起火", "cn-310000"),
        ("市民走上街头，希望和平", "-"),
        ("晋城市城区一仓库起火", "cn-140502"),
        ("东京发生地震", "gn-1850147"),
        ("甘肃兰州震感明显", "cn-620100"),
        ("Fire near 4km W of Castaic, CA", "gn-5334799"),
        ("Explosion in Tokyo, Japan", "gn-1850147"),
        ("Earthquake hits Beijing", "cn-110000"),
        ("Lushan County, Sichuan: landslide", "cn-511826"),
        ("Queensland's flood crisis deepens", "gn-AU.04"),
        ("Mobile homes destroyed. Reading about it is Nice", "-"),
        ("Tornado in Mobile, AL", "gn-4076598"),
        ("Crash on Boston Avenue, says the London Times", "-"),
        ("Flood near Eureka, Nevada", "gn-US.NV"),
        ("Explosion in West, Texas", "gn-US.TX"),
    ] {
        assert_eq!(&*resolve("", text, None).place.code, code, "{text}");
    }
}

#[test]
fn one_event_has_one_place_in_both_languages() {
    for (english, chinese) in [
        ("Fire in Shanghai", "上海发生火灾"),
        ("Quake in Chengdu, Sichuan", "四川成都地震"),
        ("Flood in Zhengzhou", "郑州洪水"),
        ("Fire in San Francisco", "旧金山大火"),
        ("Flood in Alberta", "阿尔伯塔省洪水"),
        ("Quake in Hualien City, Taiwan", "台湾花莲地震"),
    ] {
        let (a, b) = (resolve(english, "", None), resolve(chinese, "", None));
        assert_eq!(a.place.code, b.place.code, "{english} / {chinese}");
    }
}

#[test]
fn the_order_of_evidence() {
    let home = Some("cn-220100");
    assert_eq!(
        &*resolve("朝阳区发生火灾", "", home).place.code,
        "cn-220104"
    );
    assert_eq!(
        &*resolve("朝阳区发生火灾", "", None).place.code,
        "cn-110105"
    );
    let assumed = resolve("发生火灾", "", home);
    assert!(assumed.assumed && &*assumed.place.code == "cn-220100");
    assert!(!resolve("发生火灾", "", None).assumed);

    let query = PlaceQuery {
        coordinates: Coordinates::new(37.76, -122.42),
        title: "Fire in Oakland, CA",
        ..PlaceQuery::default()
    };
    let by_point = GAZETTEER.resolve(&query);
    assert_eq!(&*by_point.place.code, "gn-5391959");
    assert_eq!(&*by_point.also[0].name, "Oakland");
    let by_code = GAZETTEER.resolve(&PlaceQuery {
        code: Some("310115"),
        ..query
    });
    assert_eq!(&*by_code.place.code, "cn-310115");
    let at_sea = GAZETTEER.at_coordinates(Coordinates::new(-25.1, -150.2).unwrap());
    assert_eq!(&*at_sea.code, "grid:-25.5,-150.5");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_has_one_place_and_few_others(text in "(\\PC|上海|北京市|朝阳区|Paris|, CA|US| |#){0,40}", home in proptest::option::of("(cn-310000|gn-US|x)")) {
        let found = resolve("", &text, home.as_deref());
        prop_assert!(found.also.len() <= MAX_ALSO);
        prop_assert!(found.also.iter().all(|place| place.code != found.place.code));
        let normal = normalise(&text);
        let known_before = PlaceQuery {
            text: &text,
            normal: Some(["", &normal]),
            home: home.as_deref(),
            ..PlaceQuery::default()
        };
        prop_assert_eq!(found.clone(), GAZETTEER.resolve(&known_before));
        let known = found.place.is_none() || GAZETTEER.get(&found.place.code).is_some();
        prop_assert!(known);
    }
}

#[test]
fn every_name_is_a_candidate_with_a_verdict() {
    let candidates = |text: &'static str, home| {
        let query = PlaceQuery {
            text,
            home,
            ..PlaceQuery::default()
        };
        let (found, resolved) = (GAZETTEER.candidates(&query), GAZETTEER.resolve(&query));
        let place = found.iter().find(|one| one.verdict == "place");
        if !resolved.assumed && &*resolved.place.code != "-" {
            assert_eq!(place.map(|one| &one.place), Some(&resolved.place), "{text}");
        }
        found
    };
    let found = candidates("浙江省温州市瓯海区一居民楼起火", None);
    let of = |code: &str| found.iter().find(|one| &*one.place.code == code).unwrap();
    assert_eq!(of("cn-330304").verdict, "place");
    assert!(!of("cn-330304").because.is_empty());
    assert_eq!(of("cn-330300").verdict, "holds another");
    assert!(of("cn-330304").found.starts_with("瓯海区"));
    // Of two places of one name the other one is listed.
    let found = candidates("朝阳区发生火灾", Some("cn-220100"));
    assert_eq!(&*found[0].place.code, "cn-220104");
    assert!(
        found[0]
            .others
            .iter()
            .any(|place| &*place.code == "cn-110105")
    );
    for text in [
        "Mobile homes destroyed. Reading about it is Nice",
        "Flood near Eureka, Nevada",
    ] {
        let found = candidates(text, None);
        assert!(!found.is_empty(), "{text}");
        let doubted = ["not believed", "contradicted"];
        assert!(
            found.iter().any(|one| doubted.contains(&one.verdict)),
            "{text} {found:?}"
        );
    }
}
