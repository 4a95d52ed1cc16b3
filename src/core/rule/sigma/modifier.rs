//! Value modifiers: their names, and which of them go together in which order.

use super::super::codes;
use crate::core::yaml::{At, Findings};

macro_rules! modifiers {
    ($($variant:ident $name:literal)*) => {
        /// A value modifier.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Modifier { $($variant,)* }

        impl Modifier {
            /// All of them, in the order of the appendix.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As a rule writes it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

modifiers! {
    All "all" StartsWith "startswith" EndsWith "endswith" Contains "contains" Exists "exists" Cased "cased" Neq "neq"
    Windash "windash" Re "re" I "i" M "m" S "s"
    Base64 "base64" Base64Offset "base64offset" Utf16Le "utf16le" Utf16Be "utf16be" Utf16 "utf16" Wide "wide"
    Lt "lt" Lte "lte" Gt "gt" Gte "gte"
    Minute "minute" Hour "hour" Day "day" Week "week" Month "month" Year "year"
    Cidr "cidr" Expand "expand" FieldRef "fieldref"
}

/// What becomes of a value after its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Regex,
    Compare,
    Time,
    Cidr,
    FieldRef,
    Exists,
}

impl Modifier {
    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|m| m.name() == name)
    }

    /// `contains`, `startswith`, `endswith`.
    pub(super) fn is_how(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }

    /// `lt` … `gte`.
    pub(super) fn is_comparison(self) -> bool {
        matches!(self, Self::Lt | Self::Lte | Self::Gt | Self::Gte)
    }

    /// A part of a date.
    pub(super) fn is_time(self) -> bool {
        matches!(
            self,
            Self::Minute | Self::Hour | Self::Day | Self::Week | Self::Month | Self::Year
        )
    }

    /// Changes the bytes of the value.
    pub(super) fn is_encoding(self) -> bool {
        use Modifier::{Base64, Base64Offset, Utf16, Utf16Be, Utf16Le, Wide};
        matches!(
            self,
            Base64 | Base64Offset | Utf16Le | Utf16Be | Utf16 | Wide
        )
    }

    fn is_flag(self) -> bool {
        matches!(self, Self::I | Self::M | Self::S)
    }
}

/// Reads `field|a|b`: the field (none: keywords) and its modifiers, checked against one another.
pub(super) fn read(
    key: &str,
    at: At,
    findings: &mut Findings<'_>,
) -> Option<(Option<String>, Vec<Modifier>)> {
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or_default();
    let mut modifiers = Vec::new();
    for part in parts {
        let Some(modifier) = Modifier::parse(part) else {
            let names: Vec<&str> = Modifier::ALL.iter().map(|m| m.name()).collect();
            findings
                .error(
                    codes::UNKNOWN_MODIFIER,
                    at,
                    format!("there is no modifier `{part}`"),
                )
                .help(names.join(", "));
            return None;
        };
        modifiers.push(modifier);
    }
    if key.is_empty() {
        findings
            .error(codes::BAD_MODIFIERS, at, "a key without a name")
            .help("name the field, or write keywords as a list");
        return None;
    }
    if let Err((problem, help)) = check(&modifiers, field.is_empty()) {
        findings
            .error(codes::BAD_MODIFIERS, at, format!("{problem}: `{key}`"))
            .help(help);
        return None;
    }
    Some(((!field.is_empty()).then(|| field.to_owned()), modifiers))
}

/// What the value is after all of them.
pub(super) fn kind(modifiers: &[Modifier]) -> Kind {
    let has = |of: fn(Modifier) -> bool| modifiers.iter().any(|m| of(*m));
    if has(|m| m == Modifier::Exists) {
        Kind::Exists
    } else if has(|m| m == Modifier::FieldRef) {
        Kind::FieldRef
    } else if has(|m| m == Modifier::Re) {
        Kind::Regex
    } else if has(|m| m == Modifier::Cidr) {
        Kind::Cidr
    } else if has(Modifier::is_time) {
        Kind::Time
    } else if has(Modifier::is_comparison) {
        Kind::Compare
    } else {
        Kind::Text
    }
}

type Problem = (&'static str, &'static str);

fn check(modifiers: &[Modifier], keywords: bool) -> Result<(), Problem> {
    for (at, modifier) in modifiers.iter().enumerate() {
        let repeated = modifiers[..at].contains(modifier);
        // Encoding twice is a different value; everything else twice is a slip.
        if repeated && !modifier.is_encoding() {
            return Err(("a modifier stands twice", "name it once"));
        }
    }
    let count = |of: fn(Modifier) -> bool| modifiers.iter().filter(|m| of(**m)).count();
    if count(Modifier::is_how) > 1
        || count(Modifier::is_comparison) > 1
        || count(Modifier::is_time) > 1
    {
        return Err(("modifiers that exclude one another", "keep one of them"));
    }
    let kind = kind(modifiers);
    if keywords
        && matches!(
            kind,
            Kind::Exists | Kind::FieldRef | Kind::Compare | Kind::Time
        )
    {
        return Err((
            "a modifier that needs a field",
            "keywords are texts, expressions or networks",
        ));
    }
    modifiers.iter().try_for_each(|m| fits(*m, kind))?;
    order(modifiers)
}

/// Whether a modifier can stand beside what the value becomes.
fn fits(modifier: Modifier, kind: Kind) -> Result<(), Problem> {
    use Modifier::{All, Cased, Cidr, Exists, Expand, FieldRef, Neq, Re, Windash};
    let fits = match modifier {
        All | Neq => kind != Kind::Exists,
        Cased => matches!(kind, Kind::Text | Kind::FieldRef),
        Windash => kind == Kind::Text,
        Expand => matches!(kind, Kind::Text | Kind::Cidr),
        Re => kind == Kind::Regex,
        Exists => kind == Kind::Exists,
        Cidr => kind == Kind::Cidr,
        FieldRef => kind == Kind::FieldRef,
        m if m.is_how() => matches!(kind, Kind::Text | Kind::FieldRef),
        m if m.is_flag() => kind == Kind::Regex,
        m if m.is_encoding() => kind == Kind::Text,
        m if m.is_time() => kind == Kind::Time,
        _ => matches!(kind, Kind::Compare | Kind::Time),
    };
    if fits {
        Ok(())
    } else {
        Err((
            "these modifiers do not go together",
            "a value is text, a regular expression, a number, a part of a date, a network, a field or a presence: one of these",
        ))
    }
}

/// Modifiers are applied in the order of the file: what works on the plain value comes before what makes something else of it.
fn order(modifiers: &[Modifier]) -> Result<(), Problem> {
    let position = |of: fn(Modifier) -> bool| modifiers.iter().position(|m| of(*m));
    let how = position(Modifier::is_how).unwrap_or(usize::MAX);
    if modifiers
        .iter()
        .skip(how.min(modifiers.len()))
        .any(|m| m.is_encoding())
    {
        return Err((
            "wildcards cannot be encoded",
            "put the encoding before contains, startswith or endswith",
        ));
    }
    if position(|m| m == Modifier::FieldRef).is_some_and(|at| how < at) {
        return Err(("a field name takes no wildcards", "put fieldref first"));
    }
    let re = position(|m| m == Modifier::Re);
    if position(Modifier::is_flag).is_some_and(|at| re.is_none_or(|re| at < re)) {
        return Err(("i, m and s follow re", "write re|i"));
    }
    if position(Modifier::is_comparison)
        .zip(position(Modifier::is_time))
        .is_some_and(|(comparison, time)| comparison < time)
    {
        return Err((
            "a part of a date comes before its comparison",
            "write hour|gte",
        ));
    }
    if position(|m| m == Modifier::Neq).is_some() && position(Modifier::is_comparison).is_some() {
        return Err(("modifiers that exclude one another", "keep one of them"));
    }
    let encoding = position(Modifier::is_encoding).unwrap_or(usize::MAX);
    if position(|m| m == Modifier::Expand).is_some_and(|at| at > encoding)
        || position(|m| m == Modifier::Windash).is_some_and(|at| at > encoding)
    {
        return Err((
            "what is encoded has no placeholders and no dashes left",
            "put the encoding last",
        ));
    }
    Ok(())
}
