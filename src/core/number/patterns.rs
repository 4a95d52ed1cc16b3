//! The words that make a number one of the fields, in both languages.
//!
//! Invariant: every pattern has exactly one capture, around a [`NUMBER`](super::lex::NUMBER); all are tried on every text, in
//! linear time (the `regex` crate), and overlap freely: `extract` takes the largest.

use std::sync::LazyLock;

use regex::Regex;

use super::gate::Gate;

/// What a pattern finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    Dead,
    Injured,
    /// A part of the injured: they add up to the injured where no total is given.
    InjuredSeverely,
    InjuredLightly,
    Missing,
    Trapped,
    Ill,
    Evacuated,
    Households,
    /// Without a word for whom: only large numbers count.
    HouseholdsBare,
    Magnitude,
    Depth,
    Area,
    WaterDepth,
}

/// Every field that `extract` can give, sorted, with its unit.
pub const FIELDS: [(&str, &str); 11] = [
    ("area_ha", "hectares burnt or flooded"),
    ("casualties.dead", "people"),
    ("casualties.ill", "people poisoned, infected or taken ill"),
    ("casualties.injured", "people"),
    ("casualties.missing", "people"),
    ("casualties.trapped", "people"),
    ("depth_km", "focal depth, km"),
    ("evacuated", "people"),
    ("households", "households or customers affected"),
    ("magnitude", "any magnitude scale"),
    ("water_depth_m", "depth of standing water, m"),
];

/// A compiled pattern.
pub(super) struct Pattern {
    pub finding: Finding,
    /// Multiplies the number: hectares per acre.
    pub factor: f64,
    pub regex: Regex,
    /// Where the pattern asks for the edge of a word: the same with the edges of ASCII words, which `regex` finds much faster in
    /// text that is not ASCII. It matches wherever the pattern does, since every such edge is one of an ASCII letter.
    pub quick: Option<Regex>,
    /// What must not follow: 死者 after 死, `cattle` after `killed 200`.
    pub not_before: &'static [&'static str],
}

/// People, and the adverbs between them and what happened to them.
const ZH_WHO: &str = "(?:余|多|几)?(?:名|位|个|口)?(?:余|多)?(?:的)?(?:群众|村民|居民|市民|人员|工人|矿工|民工|农民工|职工|员工|工作人员|施工人员|作业人员|乘客|旅客|游客|行人|司机|驾驶员|学生|小学生|中学生|大学生|师生|儿童|小孩|孩子|男孩|女孩|老人|男子|女子|妇女|男性|女性|消防员|官兵|战士|船员|同胞|伤者|伤员|患者|病人|驾乘人员|囚犯|在押人员|环卫工人|环卫工|保安|护士|医生|值班工作人员|值班人员|孕妇|幼儿|婴儿|人|男|女)?(?:员)?";
const ZH_ADVERB: &str = "(?:已经|已|均|都|不幸|当场|先后|全部|相继|也|又|仍|还|目前|确认|被确认|经(?:医院)?抢救无效|抢救无效后?|送医后?|因伤势过重|因伤|因抢救无效|在(?:事故|地震|火灾|爆炸|车祸|灾害|灾难)中|因(?:公|灾)?|,)*";
const ZH_LINK: &str = "(?:人数|人员|者|总数)?(?:(?:从|由)[^#]{0,4}#(?:人|名|例)?)?(?:已经|已|共计|共|累计|合计|总计|为|达到了?|高达|达|增加到|增加至|增加为|增至|升至|升到|上升至|上升到|至少有?|至少|最少|有|约|大约|超过|逾|近|超|是|目前|现|的|在|了|:|-)*";
const ZH_COUNT: &str = "(#)(?:余|多|几)?(?:名|人|个人|位|例|口|死者)";

const ZH_DEAD: &str = "(?:死亡|遇难|丧生|身亡|罹难|丧命|殉职|牺牲|溺亡|毙命|惨死|死去|离世|(?:窒息|中毒|溺水|触电|坠楼|坠落|意外)(?:死亡|身亡)|被?(?:烧|砸|压|撞|炸|淹|电|烫|熏|毒|闷|埋|踩)死|死|亡)";

/// What follows 死 and 亡 when nobody's death is stated, or not only.
const NOT_DEAD: &[&str] = &[
    "者",
    "刑",
    "缓",
    "因",
    "伤者",
    "角",
    "伤事",
    "率",
    "里逃生",
    "于非命的",
];

const EN_ABOUT: &str = "(?:at least |more than |over |about |around |nearly |almost |some |up to |as many as |an estimated |approximately |another |all |roughly |least )*";
const EN_WHO: &str = "(?: of)?(?: the)?(?: more| other| others| young| elderly| local| of them)*(?:(?: [a-z][a-z-]+)?(?: people| persons?| ppl| men| women| man| woman| children| child| kids?| boys?| girls?| residents?| villagers?| passengers?| workers?| miners?| firefighters?| students?| pupils?| tourists?| victims?| drivers?| civilians?| patients?| employees?| soldiers?| pilgrims?| fishermen| sailors?| crew| members| adults?| babies| infants?| motorists?| pedestrians?| cyclists?| others?| personnel| officers?| troops| migrants?| bodies))*(?:,? including [^#.]{0,40}?,)?";
const EN_AUX: &str = "(?: were| was| made| rendered| went| gone| are| is| have| has| had| been| be| being| may| might| could| reported| reportedly| confirmed| already| also| now| still| officially| found| feared| believed| presumed| remain| remains| so far| have been| left| instantly| seriously| critically| badly| severely| slightly)*";
const EN_RISE: &str = "(?: from[^#.;]{0,30}| in[^#.;]{0,30}| of the[^#.;]{0,30}| # )?(?: has| have| had| is| are| was| now| already| currently| officially)*(?: rises?| rose| risen| climbs?| climbed| jumps?| jumped| grows?| grew| grown| increases?| increased| reaches| reached| hits?| passes| passed| tops?| topped| exceeds| exceeded| stands?| stood| put| estimated| up| near| nears)*(?: from #)?(?: to| from| at| of| is|:| by)*";

type Row = (Finding, f64, &'static str, &'static [&'static str]);

/// `WHO`, `ADV`, `LINK`, `COUNT`, `DEAD`, `ABOUT`, `PEOPLE`, `AUX` and `RISE` stand for the lists above.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Chinese: the dead.
    (Finding::Dead, 1.0, "(#)WHOADVDEAD", NOT_DEAD),
    (Finding::Dead, 1.0, "(?:死亡|遇难|丧生|身亡|罹难|死难|死伤者中死亡|死|死者|致死|溺亡|殉职|牺牲)LINKCOUNT", &["受伤", "失踪", "失联"]),
    (Finding::Dead, 1.0, "(?:死亡|遇难|罹难|死难)(?:人数|总数)LINK(#)", &["岁", "年", "%"]),
    (Finding::Dead, 1.0, "(?:^|[^#])死(?:亡)?(#)(?:人)?[,、]?伤#", &[]),
    (Finding::Dead, 1.0, "(#)(?:余|多)?(?:名|位|个)(?:遇难者|死者|死难者|罹难者)", &["的家属", "家属", "的亲属", "亲属"]),
    (Finding::Dead, 1.0, "(#)WHOADV死于", &[]),
    (Finding::Dead, 1.0, "夺(?:去|走)了?(#)(?:人|条|名|个)", &[]),
    (Finding::Dead, 1.0, "(?:发现|找到)了?(#)(?:具|名遇难者)(?:遗体|尸体)?", &[]),
    // Chinese: the injured.
    (Finding::Injured, 1.0, "(#)WHOADV(?:不同程度)?(?:受了?伤|负伤|烧伤|烫伤|灼伤|砸伤|摔伤|撞伤|致伤|被?(?:烧|烫|砸|撞|炸|压|划|踩)伤|伤)", &["亡", "势", "者家属", "情", "口"]),
    (Finding::Injured, 1.0, "(?:受伤|伤者|致伤|负伤|伤员|伤)LINKCOUNT", &["死亡", "遇难", "重伤", "伤势"]),
    (Finding::Injured, 1.0, "(?:受伤)(?:人数|总数)LINK(#)", &["岁", "年", "%"]),
    (Finding::Injured, 1.0, "#(?:人)?死(?:亡)?[,、]?(#)(?:人)?(?:受)?伤", &[]),
    (Finding::Injured, 1.0, "(?:^|[^#])死(?:亡)?#(?:人)?[,、]?伤(#)", &[]),
    (Finding::InjuredSeverely, 1.0, "(#)WHOADV(?:受)?(?:重伤|伤势(?:较|严|过|很)重|伤势危重|病危)", &[]),
    (Finding::InjuredSeverely, 1.0, "(?:受)?重伤(?:员|者)?LINKCOUNT", &[]),
    (Finding::InjuredLightly, 1.0, "(#)WHOADV(?:受)?(?:轻微伤|轻微受伤|轻伤|伤势较轻)", &[]),
    (Finding::InjuredLightly, 1.0, "(?:受)?(?:轻微伤|轻伤)(?:员|者)?LINKCOUNT", &[]),
    // Chinese: missing, trapped, ill, evacuated.
    (Finding::Missing, 1.0, "(#)WHOADV(?:失踪|失联|下落不明|失去联系)", &[]),
    (Finding::Missing, 1.0, "(?:失踪|失联|下落不明)LINKCOUNT", &[]),
    (Finding::Missing, 1.0, "死(?:亡)?[^#,]{0,1}#[^#]{0,4}伤(?:#)?[^#]{0,2}(#)(?:人)?(?:失)", &[]),
    (Finding::Trapped, 1.0, "(#)WHOADV(?:被困|被埋|被压|受困|遭困|被掩埋|被卡|困在|埋在|被堵)", &[]),
    (Finding::Trapped, 1.0, "(?:被困|被埋|困住|受困|掩埋)LINKCOUNT", &[]),
    (Finding::Ill, 1.0, "(#)WHOADV(?:疑似|出现|发生|集体)*(?:食物)?(?:中毒|感染|发病|染病|确诊|患病|住院|送医|入院|送往医院|被送往医院|被送医|就医|腹泻|呕吐|身体不适|不适)", &["死亡", "身亡", "而死"]),
    (Finding::Ill, 1.0, "(#)WHO[^#,。;]{0,10}中毒", &["死亡", "身亡", "而死", "者家属"]),
    (Finding::Ill, 1.0, "毒倒(?:了)?(#)", &["天", "年"]),
    (Finding::Ill, 1.0, "(?:食物)?(?:中毒|感染|发病|确诊病例|确诊|患病|病例|住院)LINKCOUNT", &["死亡", "身亡"]),
    (Finding::Evacuated, 1.0, "(?:转移安置|转移|疏散|撤离|安置|撤出|避险转移|紧急避险)(?:了|出)?(?:安置|群众|居民|村民|市民|受灾群众|受困群众|被困群众|周边群众|周边居民|人员|学生|师生|人口|游客|灾民)*LINKCOUNT", &["死亡"]),
    (Finding::Evacuated, 1.0, "(#)WHO(?:已|均|全部|被|紧急|安全|成功|得到|及时|进行了?|快速|有序|,)*(?:转移|疏散|撤离|避险|撤出)", &["到医院", "至医院"]),
    (Finding::Households, 1.0, "(#)(?:余|多)?(?:户|家)(?:余|多)?(?:居民|用户|家庭|村民|人家|群众|商户|住户)?(?:家中|家|的)?(?:用电|供电|供水|供气|用水)?(?:受影响|受到影响|停电|停水|停气|断电|断水|断气|受灾|受淹|被淹|用电受影响)", &[]),
    (Finding::Households, 1.0, "(?:影响|涉及|造成|导致|停电|停水|停气)LINK(#)(?:余|多)?户", &[]),
    // Chinese: measures.
    (Finding::Magnitude, 1.0, "(#)级(?:左右|以上)?(?:的)?(?:强烈|浅源|强|大|特大|破坏性|中强)?(?:地震|强震)", &[]),
    (Finding::Magnitude, 1.0, "(?:里氏|震级|地震震级|面波震级|矩震级)(?:震级|规模|为|是|达到|达|约|:|m|ms|mw)*(#)(?:级)?", &[]),
    (Finding::Magnitude, 1.0, "地震[^#。;]{0,6}(?:规模|震级)[^#。;]{0,3}(#)", &[]),
    (Finding::Depth, 1.0, "(?:震源深度|震源深|深度)(?:为|约为|约|是|达|:|在地下)*(#)(?:公里|千米|km)", &[]),
    (Finding::Area, 1.0, "(?:过火|燃烧|烧毁|火场|受灾|成灾|受淹|被淹|受害|过火林地|森林|草场|草原|绝收|损毁)[^#,。;]{0,8}(#)(?:余|多)?公顷", &[]),
    (Finding::Area, 1.0 / 15.0, "(?:过火|燃烧|烧毁|火场|受灾|成灾|受淹|被淹|受害|森林|草场|草原|农田|农作物|绝收|损毁)[^#,。;]{0,8}(#)(?:余|多)?亩", &[]),
    (Finding::Area, 100.0, "(?:过火|燃烧|烧毁|火场|受灾|受淹|被淹)[^#,。;]{0,8}(#)(?:余|多)?平方(?:公里|千米)", &[]),
    (Finding::Area, 1e-4, "(?:过火|燃烧|烧毁|火场|着火|起火)[^#,。;]{0,8}(#)(?:余|多)?(?:平方米|平米|㎡)", &[]),
    (Finding::WaterDepth, 1.0, "(?:积水|水深|水位深)[^#,。;]{0,6}(#)(?:余|多)?米", &[]),
    (Finding::WaterDepth, 0.01, "(?:积水|水深|水位深)[^#,。;]{0,6}(#)(?:余|多)?(?:厘米|公分|cm)", &[]),
    // English: the dead.
    (Finding::Dead, 1.0, "(#)(?:\\+)?PEOPLEAUX (?:killed|dead|died|dies|die|deceased|perished|drowned|fatalities|fatality|deaths?|casualties killed|lost their lives|lost his life|lost her life|bodies|dead bodies)\\b", &[" animals", " cattle", " sheep", " trees", " birds", " fish", " line", " lines", " end", " toll", " batteries"]),
    (Finding::Dead, 1.0, "(#)(?: [a-z]+){1,2} (?:deaths|fatalities)\\b", &[]),
    (Finding::Dead, 1.0, "\\bkill(?:s|ed|ing)? ABOUT(#)", &[" cattle", " cows", " sheep", " goats", " pigs", " animals", " birds", " dogs", " cats", " horses", " chickens", " fish", " years", " hours", " minutes", " days", " months", " miles", " km", "%", " percent", " trees", " acres", " buildings", " houses"]),
    (Finding::Dead, 1.0, "\\b(?:death toll|deaths?|fatalities|dead|death count|confirmed dead|toll)(?: toll)?RISE ?ABOUT(#)", &[" injured", " hurt", " wounded", " missing", " years", "%", " days", " hours", " other injured", " others injured", " others hurt", " others wounded", " people injured"]),
    (Finding::Dead, 1.0, "\\b(?:claim(?:s|ed|ing)?|took|taken|takes|taking|cost|costs|costing)(?: the lives of)? ABOUT(#)PEOPLE lives", &[]),
    (Finding::Dead, 1.0, "\\b(?:claim(?:s|ed|ing)?|took|taken|takes|taking|cost|costs|costing) (?:the )?lives of ABOUT(#)", &[]),
    (Finding::Dead, 1.0, "\\b(?:bodies of|deaths? of|died:|killed:|dead:) ?ABOUT(#)", &[" cattle", " animals", "%"]),
    // English: the injured.
    (Finding::Injured, 1.0, "(#)(?:\\+)?PEOPLEAUX (?:injured|hurt|wounded|injuries|hospitali[sz]ed|wounds|taken to hospitals?|taken to the hospital|taken to area hospitals|treated for injuries)\\b", &[" animals"]),
    (Finding::Injured, 1.0, "\\b(?:injur(?:es|ed|ing)|wound(?:s|ed|ing)|hurt(?:s|ing)?) ABOUT(#)", &[" cattle", " animals", " dead", " killed", " years", " hours", " days", " minutes", "%", " percent"]),
    (Finding::Injured, 1.0, "\\b(?:injured|injuries|wounded|hurt):? ?ABOUT(#)", &[" dead", " killed", " missing", " years", " hours", " days", "%", " people dead", " deaths"]),
    (Finding::Injured, 1.0, "\\b(?:killed|dead|deaths?|killing #|dead and|killed and)(?:PEOPLE)?,? and ABOUT(#)PEOPLE (?:injured|hurt|wounded)", &[]),
    // English: missing, trapped, ill, evacuated.
    (Finding::Missing, 1.0, "(#)(?:\\+)?PEOPLEAUX (?:missing|unaccounted for|unaccounted|disappeared)\\b", &[" cattle"]),
    (Finding::Missing, 1.0, "\\bmissing:? ?ABOUT(#)", &[" dead", " killed", " injured", " years", " days"]),
    (Finding::Trapped, 1.0, "(#)(?:\\+)?PEOPLEAUX (?:trapped|stranded|buried|stuck|pinned)\\b", &[]),
    (Finding::Trapped, 1.0, "\\b(?:trap(?:s|ped|ping)|strand(?:s|ed|ing)|bur(?:ies|ied|ying)) ABOUT(#)", &[" cars", " of cars", " of trucks", " of vehicles", " trucks", " vehicles", " homes", " houses", " feet", " years", " hours", " days", " m "]),
    (Finding::Ill, 1.0, "(#)(?:\\+)?PEOPLEAUX (?:sick|ill|sickened|poisoned|infected|fell ill|fallen ill|fall ill|became ill|fell sick|confirmed cases|cases)\\b", &[" of beer", " of water"]),
    (Finding::Ill, 1.0, "\\b(?:sickens?|sickened|sickening|poisoned|poisoning|infected|infecting|infects) ABOUT(#)", &[" years", " hours", " days"]),
    (Finding::Evacuated, 1.0, "(#)(?:\\+)?PEOPLEAUX (?:evacuated|displaced|forced to (?:flee|leave|evacuate)|ordered to (?:leave|evacuate)|flee|fled|homeless|told to (?:leave|evacuate)|evacuees|forced from their homes|out of their homes|moved to safety|moved to shelters|relocated)\\b", &[]),
    (Finding::Evacuated, 1.0, "\\b(?:evacuat(?:es|ed|ing|e|ion of|ions of)|displac(?:es|ed|ing)|relocat(?:ed|ing)|forc(?:ed|es|ing)) ABOUT(#)(?: more| other| local| of)*(?: people| ppl| persons| residents| villagers| families| students| tourists| others| workers| patients)", &[]),
    (Finding::Households, 1.0, "(#)(?:\\+)?(?: of)?(?: more| other| area)*(?: customers| homes| households| houses| residents| people| properties| clients| consumers)+(?: and businesses)?AUX (?:without (?:power|electricity|water|gas|heat)|lost power|lose power|in the dark|no power)\\b", &[]),
    (Finding::HouseholdsBare, 1.0, "(#)(?:\\+)?(?: still| are| remain| now| left)* (?:without (?:power|electricity|gas|heat))\\b", &[]),
    // English: measures.
    (Finding::Magnitude, 1.0, "\\b(?:magnitude|mag|magnitud|m|ms|ml|mw|mb|md)(?:-| |:|=|of|is|was)*(#)", &["km", " km", " million", " people", "th", " miles", "pm", "am", "m ", " m "]),
    (Finding::Magnitude, 1.0, "(#)(?:-| )?(?:magnitude|mag)\\b", &[]),
    (Finding::Magnitude, 1.0, "(#)(?: on the)? richter", &[]),
    (Finding::Magnitude, 1.0, "(#)(?:-| )(?:earthquake|quake|tremor|aftershock)\\b", &[]),
    (Finding::Magnitude, 1.0, "\\b(?:measur(?:ed|ing|es)|registered|registering) (?:a |at |about |an estimated )*(#)", &["km", " km", " feet", " metres", " meters", " m", " cm", " inches", " miles", " acres", " hectares", "%"]),
    (Finding::Depth, 1.0, "\\b(?:depth|focal depth)(?: of|:| was| is| about| around| at|=)* ?(#) ?(?:km|kilomet)", &[]),
    (Finding::Depth, 1.0, "(#) ?(?:km|kilometers|kilometres)(?: \\(# miles?\\))? (?:deep|depth|below|beneath|underground)", &[]),
    (Finding::Depth, 1.609_344, "\\b(?:depth|focal depth)(?: of|:| was| is| about| around| at|=)* ?(#) ?mi(?:les?)?\\b", &[]),
    (Finding::Depth, 1.609_344, "(#) miles? (?:deep|below|beneath|underground)", &[]),
    (Finding::Area, 0.404_685_642_24, "(#)(?:\\+)?(?:-| )?(?:acres?|ac)\\b", &[]),
    (Finding::Area, 1.0, "(#)(?:\\+)?(?:-| )?(?:hectares?|ha)\\b", &[]),
    (Finding::Area, 258.998_811, "(?:burn|fire|flood|blaze|scorch|charr|destroy|consum|inundat)[^#.;]{0,40}(#) ?(?:square miles?|sq\\.? mi)", &[]),
    (Finding::Area, 100.0, "(?:burn|fire|flood|blaze|scorch|charr|destroy|consum|inundat)[^#.;]{0,40}(#) ?(?:square kilomet\\w*|sq\\.? ?km|km2)", &[]),
    (Finding::WaterDepth, 1.0, "(#)(?: |-)?(?:m|metres?|meters?) of (?:flood ?)?water", &[]),
    (Finding::WaterDepth, 0.3048, "(#)(?: |-)?(?:ft|feet|foot) of (?:flood ?)?water", &[]),
    (Finding::WaterDepth, 0.0254, "(#)(?: |-)?(?:in|inch|inches) of (?:flood ?|standing )?water", &[]),
];

/// A row's expression, with its lists put in.
fn source(row: &Row) -> String {
    row.2
        .replace("WHO", ZH_WHO)
        .replace("ADV", ZH_ADVERB)
        .replace("LINK", ZH_LINK)
        .replace("COUNT", ZH_COUNT)
        .replace("DEAD", ZH_DEAD)
        .replace("ABOUT", EN_ABOUT)
        .replace("PEOPLE", EN_WHO)
        .replace("AUX", EN_AUX)
        .replace("RISE", EN_RISE)
}

/// An expression, and its quick form where it has one; see [`Pattern::quick`].
fn compile(source: &str) -> Option<(Regex, Option<Regex>)> {
    let quick = source
        .contains("\\b")
        .then(|| Regex::new(&source.replace("\\b", "(?-u:\\b)")));
    Some((Regex::new(source).ok()?, quick.transpose().ok()?))
}

/// Every pattern, compiled once.
pub(super) static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let pattern = |row: &Row| {
        let (regex, quick) = compile(&source(row))?;
        Some(Pattern {
            finding: row.0,
            factor: row.1,
            regex,
            quick,
            not_before: row.3,
        })
    };
    ROWS.iter().filter_map(pattern).collect()
});

/// Tells which of [`PATTERNS`], and after them of [`NOBODY_PATTERNS`], a text can match.
pub(super) static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let sources: Vec<String> = ROWS
        .iter()
        .map(source)
        .chain(NOBODY.iter().map(|row| row.0.to_owned()))
        .collect();
    Gate::new(sources.iter().map(String::as_str))
});

/// Statements that nobody was hurt or killed: fields that become 0 when no number says otherwise.
#[rustfmt::skip]
const NOBODY: &[(&str, &[&str])] = &[
    ("(?:无|没有|未造成|没有造成|未发生|没有发生|暂无|尚无|未有|未接到|未收到)(?:任何)?(?:人员)?(?:伤亡|死伤)", &["casualties.dead", "casualties.injured"]),
    ("(?:无|没有|未造成|没有造成|暂无|尚无|未有)(?:人员|人)?(?:死亡|遇难|身亡)", &["casualties.dead"]),
    ("(?:无|没有|未造成|没有造成|暂无|尚无|未有)(?:人员|人)?(?:受伤|伤者)", &["casualties.injured"]),
    ("(?:无|没有|未造成|没有造成|暂无|尚无)(?:人员|人)?(?:被困)", &["casualties.trapped"]),
    ("\\b(?:no|zero|without|nor any)(?: immediate| reported| reports of(?: any)?| confirmed| serious| major| further| other| known)* (?:casualties|deaths or injuries|injuries or deaths|fatalities or injuries)", &["casualties.dead", "casualties.injured"]),
    ("\\b(?:no|zero|without)(?: immediate| reported| reports of(?: any)?| confirmed| further| other| known)* (?:deaths|fatalities|loss of life|one killed|lives lost|victims)", &["casualties.dead"]),
    ("\\bno(?: ¤|body|t a single person)(?: was| were| is| has been| had been| got| died or)*(?: reported| reportedly| seriously)*(?: killed| dead| died)", &["casualties.dead"]),
    ("\\b(?:no|zero|without)(?: immediate| reported| reports of(?: any)?| confirmed| serious| major| further| other| known)* injur(?:y|ies)", &["casualties.injured"]),
    ("\\bno(?: ¤|body|t a single person)(?: was| were| is| has been| had been| got)*(?: reported| reportedly| seriously)*(?: killed or)? (?:injured|hurt|harmed)", &["casualties.injured"]),
    ("\\bno(?: ¤|body) was (?:killed or|injured or killed)", &["casualties.dead", "casualties.injured"]),
];

/// A compiled statement.
pub(super) struct Nobody {
    pub regex: Regex,
    /// See [`Pattern::quick`].
    pub quick: Option<Regex>,
    pub fields: &'static [&'static str],
}

/// [`NOBODY`], compiled once.
pub(super) static NOBODY_PATTERNS: LazyLock<Vec<Nobody>> = LazyLock::new(|| {
    let statement = |(source, fields): &(&str, &'static [&'static str])| {
        let (regex, quick) = compile(source)?;
        Some(Nobody {
            regex,
            quick,
            fields,
        })
    };
    NOBODY.iter().filter_map(statement).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_with_one_capture() {
        assert_eq!(PATTERNS.len(), ROWS.len());
        for (pattern, row) in PATTERNS.iter().zip(ROWS) {
            assert_eq!(pattern.regex.captures_len(), 2, "{}", row.2);
        }
        assert_eq!(NOBODY_PATTERNS.len(), NOBODY.len());
    }
}
