//! The language of a page: what the reader chose, else what the browser asks for.

use super::words::Words;

/// A language of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// 中文
    Zh,
}

impl Lang {
    /// Both.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// `chosen` (the switch's cookie) when it names a language, else the best of an `Accept-Language` header, else English.
    pub fn negotiate(chosen: Option<&str>, accept: Option<&str>) -> Self {
        if let Some(lang) = chosen.and_then(Self::from_tag) {
            return lang;
        }
        let mut best = (0_u16, Self::En);
        for range in accept.unwrap_or_default().split(',').take(32) {
            let mut parts = range.split(';');
            let Some(lang) = parts.next().and_then(|tag| Self::from_tag(tag.trim())) else {
                continue;
            };
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1000, weight);
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }

    fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "zh" => Some(Self::Zh),
            _ => None,
        }
    }

    /// For the `lang` attribute and the switch.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// Its two letters.
    pub fn primary(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::En => Self::Zh,
            Self::Zh => Self::En,
        }
    }

    /// A message.
    pub fn t(self, msg: impl Words) -> &'static str {
        match self {
            Self::En => msg.en(),
            Self::Zh => msg.zh(),
        }
    }

    /// A message with `{}` replaced by `value`, and of `[one|many]` what fits it.
    pub fn fill(self, msg: impl Words, value: impl std::fmt::Display) -> String {
        let value = value.to_string();
        let text = self.t(msg);
        let choice = text.split_once('[').and_then(|(before, rest)| {
            let (choice, after) = rest.split_once(']')?;
            let (one, many) = choice.split_once('|')?;
            Some([before, if value == "1" { one } else { many }, after].concat())
        });
        choice.as_deref().unwrap_or(text).replacen("{}", &value, 1)
    }

    /// One of two texts; English where there is no Chinese.
    pub fn of<'a>(self, en: &'a str, zh: Option<&'a str>) -> &'a str {
        match (self, zh) {
            (Self::Zh, Some(zh)) if !zh.is_empty() => zh,
            (Self::En, Some(zh)) if en.is_empty() => zh,
            _ => en,
        }
    }
}

/// A quality value in thousandths; a broken one counts as 0, as "not acceptable" does.
fn weight(text: &str) -> u16 {
    match text.trim().parse::<f32>() {
        Ok(q) if (0.0..=1.0).contains(&q) => (q * 1000.0) as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::console::words::Msg;

    #[test]
    fn one_is_not_many() {
        for (lang, count, said) in [
            (Lang::En, 0, "0 reports"),
            (Lang::En, 1, "1 report"),
            (Lang::En, 21, "21 reports"),
            (Lang::Zh, 1, "1 条报告"),
        ] {
            assert_eq!(lang.fill(Msg::ReportsCount, count), said);
        }
        assert_eq!(Lang::En.fill(Msg::CopiesCount, 1), "1 copy");
        // What was filled in is no choice.
        assert_eq!(Lang::En.fill(Msg::MapLabel, "[a|b]"), "Map around [a|b]");
    }

    #[test]
    fn the_choice_wins_then_the_browser_then_english() {
        let negotiate = Lang::negotiate;
        assert_eq!(negotiate(Some("zh-CN"), Some("en")), Lang::Zh);
        assert_eq!(negotiate(Some("fr"), Some("zh-TW,zh;q=0.9")), Lang::Zh);
        assert_eq!(
            negotiate(None, Some("de, en;q=0.5, zh-Hans;q=0.8")),
            Lang::Zh
        );
        assert_eq!(negotiate(None, Some("zh;q=0, en;q=0.1")), Lang::En);
        assert_eq!(negotiate(None, Some("zh;q=x")), Lang::En);
        assert_eq!(negotiate(None, Some(";;,,q=1")), Lang::En);
        assert_eq!(negotiate(None, None), Lang::En);
    }

    #[test]
    fn a_missing_text_falls_back_to_the_other() {
        assert_eq!(Lang::Zh.of("fire", None), "fire");
        assert_eq!(Lang::Zh.of("fire", Some("火灾")), "火灾");
        assert_eq!(Lang::En.of("", Some("火灾")), "火灾");
    }
}
