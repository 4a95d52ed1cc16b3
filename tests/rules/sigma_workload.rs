//! A generated workload of keyword rules and messages in Chinese and English, the same at every run: made of its own syllables, it
//! says nothing about anything.

/// Characters that Chinese words are made of.
const HAN: [char; 24] = [
    '水', '火', '山', '石', '田', '土', '木', '林', '风', '雨', '云', '雪', '江', '河', '桥', '路',
    '车', '船', '门', '窗', '灯', '钟', '铁', '铜',
];
/// Syllables that the other words are made of; the last is not ASCII.
const SYLLABLES: [&str; 16] = [
    "ba", "ko", "ri", "tem", "lo", "su", "vin", "da", "mer", "pol", "ga", "nis", "tor", "fe",
    "qua", "é",
];

/// Numbers without pattern, from a seed (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % sides as u64) as usize
    }

    fn word(&mut self) -> String {
        if self.below(10) < 6 {
            let length = 2 + self.below(2);
            return (0..length).map(|_| HAN[self.below(HAN.len())]).collect();
        }
        let length = 2 + self.below(2);
        let word: String = (0..length)
            .map(|_| SYLLABLES[self.below(SYLLABLES.len())])
            .collect();
        // Case must not matter.
        match self.below(4) {
            0 => word.to_uppercase(),
            _ => word,
        }
    }
}

/// A rule: ten terms in two selections.
pub(crate) struct Rule {
    /// Its name.
    pub(crate) id: String,
    /// `a or b`, `a and b`, `a and not b`.
    pub(crate) condition: &'static str,
    /// Terms of the two selections.
    pub(crate) terms: [Vec<String>; 2],
}

impl Rule {
    /// As a YAML document.
    pub(crate) fn sigma(&self) -> String {
        let mut text = format!("title: {0}\nid: {0}\ndetection:\n", self.id);
        for (name, terms) in ["a", "b"].iter().zip(&self.terms) {
            text += &format!("  {name}:\n    text|contains: ['{}']\n", terms.join("', '"));
        }
        text + &format!("  condition: {}\n", self.condition)
    }

    /// Whether it fires on a text, by plain search.
    pub(crate) fn fires(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let [a, b] = self
            .terms
            .each_ref()
            .map(|terms| terms.iter().any(|t| text.contains(&t.to_lowercase())));
        match self.condition {
            "a or b" => a || b,
            "a and b" => a && b,
            _ => a && !b,
        }
    }
}

/// So many rules.
pub(crate) fn rules(count: usize, dice: &mut Dice) -> Vec<Rule> {
    let rule = |number: usize| {
        let mut terms = || (0..5).map(|_| dice.word()).collect();
        Rule {
            id: format!("rule-{number}"),
            condition: ["a and b", "a and not b", "a or b"][number % 3],
            terms: [terms(), terms()],
        }
    };
    (0..count).map(rule).collect()
}

/// So many texts, some with what JSON escapes.
pub(crate) fn texts(count: usize, dice: &mut Dice) -> Vec<String> {
    let text = |dice: &mut Dice| {
        let mut text = String::new();
        for _ in 0..20 + dice.below(60) {
            text += &dice.word();
            text += ["", "，", " ", "\n", "\"", "😀"][dice.below(6)];
        }
        text
    };
    (0..count).map(|_| text(dice)).collect()
}
