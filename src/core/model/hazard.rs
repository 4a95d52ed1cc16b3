//! The closed hazard taxonomy under the CAP 1.2 categories.
//!
//! Invariant: there is no hazard about people, belief, opinion or protest, and no open "other". CAP's `Security` and
//! `Other` are left out on purpose.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Category of CAP 1.2 (`info/category`), as far as Tocsin watches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Category {
    Geo,
    Met,
    Safety,
    Rescue,
    Fire,
    Health,
    Env,
    Transport,
    Infra,
    CBRNE,
}

macro_rules! hazards {
    ($($variant:ident $id:literal $category:ident $en:literal $zh:literal)*) => {
        /// A kind of hazard that Tocsin watches. A rule names one of these or does not load.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Hazard { $(#[serde(rename = $id)] $variant,)* }

        impl Hazard {
            /// Every hazard, in the order of the taxonomy.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable identifier, as rules, keys, metrics and JSON write it.
            pub fn id(self) -> &'static str { match self { $(Self::$variant => $id,)* } }

            /// CAP category.
            pub fn category(self) -> Category { match self { $(Self::$variant => Category::$category,)* } }

            /// English name, lower case.
            pub fn en(self) -> &'static str { match self { $(Self::$variant => $en,)* } }

            /// Chinese name.
            pub fn zh(self) -> &'static str { match self { $(Self::$variant => $zh,)* } }
        }
    };
}

hazards! {
    Earthquake "earthquake" Geo "earthquake" "地震"
    Tsunami "tsunami" Geo "tsunami" "海啸"
    Volcano "volcano" Geo "volcanic activity" "火山活动"
    Landslide "landslide" Geo "landslide" "山体滑坡"
    Avalanche "avalanche" Geo "avalanche" "雪崩"
    GroundCollapse "ground_collapse" Geo "ground collapse" "地面塌陷"
    Flood "flood" Met "flood" "洪涝"
    Rainstorm "rainstorm" Met "heavy rain" "暴雨"
    Storm "storm" Met "storm" "风暴"
    Cyclone "cyclone" Met "tropical cyclone" "台风"
    Tornado "tornado" Met "tornado" "龙卷风"
    Hail "hail" Met "hail" "冰雹"
    Snow "snow" Met "snow and ice" "雪灾冰冻"
    Heat "heat" Met "extreme heat" "高温"
    Cold "cold" Met "cold wave" "寒潮"
    Drought "drought" Met "drought" "干旱"
    Fog "fog" Met "dense fog" "大雾"
    DustStorm "dust_storm" Met "dust storm" "沙尘暴"
    CrowdCrush "crowd_crush" Safety "crowd crush" "拥挤踩踏"
    FallingObject "falling_object" Safety "falling object" "高空坠物"
    BuildingCollapse "building_collapse" Rescue "building collapse" "建筑坍塌"
    MineAccident "mine_accident" Rescue "mine accident" "矿难"
    Entrapment "entrapment" Rescue "entrapment" "被困救援"
    Drowning "drowning" Rescue "drowning" "溺水"
    Fire "fire" Fire "fire" "火灾"
    Wildfire "wildfire" Fire "wildfire" "森林草原火灾"
    FoodPoisoning "food_poisoning" Health "food poisoning" "食物中毒"
    FoodContamination "food_contamination" Health "food or product contamination" "食品污染与召回"
    DiseaseOutbreak "disease_outbreak" Health "disease outbreak" "疫情暴发"
    ToxicExposure "toxic_exposure" Health "toxic exposure" "中毒事件"
    MedicalEmergency "medical_emergency" Health "medical emergency" "医疗急救"
    AirPollution "air_pollution" Env "air pollution" "空气污染"
    WaterPollution "water_pollution" Env "water pollution" "水污染"
    OilSpill "oil_spill" Env "oil spill" "溢油"
    TrafficAccident "traffic_accident" Transport "traffic accident" "交通事故"
    RailAccident "rail_accident" Transport "rail accident" "铁路事故"
    AviationAccident "aviation_accident" Transport "aviation accident" "航空事故"
    MarineAccident "marine_accident" Transport "marine accident" "水上交通事故"
    PowerOutage "power_outage" Infra "power outage" "停电"
    WaterOutage "water_outage" Infra "water outage" "停水"
    GasOutage "gas_outage" Infra "gas supply outage" "停气"
    HeatingOutage "heating_outage" Infra "heating outage" "停暖"
    NetworkOutage "network_outage" Infra "network outage" "通信中断"
    GasLeak "gas_leak" Infra "gas leak" "燃气泄漏"
    DamFailure "dam_failure" Infra "dam or levee failure" "溃坝决堤"
    BridgeCollapse "bridge_collapse" Infra "bridge collapse" "桥梁坍塌"
    Explosion "explosion" CBRNE "explosion" "爆炸"
    ChemicalSpill "chemical_spill" CBRNE "chemical spill" "危化品泄漏"
    Radiation "radiation" CBRNE "radiation" "辐射事故"
}

/// A name that is no hazard of the taxonomy.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a hazard of the taxonomy")]
pub struct UnknownHazard(pub String);

impl FromStr for Hazard {
    type Err = UnknownHazard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|hazard| hazard.id() == text)
            .ok_or_else(|| UnknownHazard(text.to_owned()))
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_round_trip() {
        for hazard in Hazard::ALL {
            assert_eq!(hazard.id().parse::<Hazard>().unwrap(), *hazard);
            assert_eq!(
                serde_json::to_string(hazard).unwrap(),
                format!("\"{hazard}\"")
            );
        }
        assert!("protest".parse::<Hazard>().is_err());
    }
}
