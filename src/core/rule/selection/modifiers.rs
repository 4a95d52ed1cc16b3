//! What stands behind the `|` of a key, and which of it goes together.

use crate::core::rule::ast::{How, Op};
use crate::core::rule::codes;
use crate::core::yaml::{Findings, Key};

/// Of these a key has one at most.
const HOWS: [&str; 4] = ["contains", "startswith", "endswith", "word"];
/// Likewise.
const OPS: [&str; 5] = ["lt", "lte", "gt", "gte", "neq"];

/// The modifiers of a key.
#[derive(Default)]
pub(super) struct Modifiers {
    pub(super) how: Option<How>,
    pub(super) op: Option<Op>,
    pub(super) all: bool,
    pub(super) cased: bool,
    pub(super) exists: bool,
    pub(super) lexicon: bool,
    pub(super) count: bool,
    pub(super) weight: bool,
    pub(super) near: bool,
    /// Flags of a regular expression, when it is one.
    pub(super) regex: Option<String>,
}

pub(super) fn modifiers(key: &Key, findings: &mut Findings<'_>) -> Option<(String, Modifiers)> {
    let mut parts = key.text.split('|');
    let field = parts.next().unwrap_or("").trim().to_owned();
    let mut read = Modifiers::default();
    let (mut seen, mut excluded) = (Vec::new(), false);
    for part in parts {
        // The last one would count, and the others say nothing.
        let part = part.trim();
        excluded |= seen.contains(&part)
            || (read.how.is_some() && HOWS.contains(&part))
            || (read.op.is_some() && OPS.contains(&part));
        seen.push(part);
        match part {
            "contains" => read.how = Some(How::Contains),
            "startswith" => read.how = Some(How::StartsWith),
            "endswith" => read.how = Some(How::EndsWith),
            "word" => read.how = Some(How::Word),
            "all" => read.all = true,
            "cased" => read.cased = true,
            "exists" => read.exists = true,
            "lexicon" => read.lexicon = true,
            "count" => read.count = true,
            "weight" => read.weight = true,
            "near" => read.near = true,
            "re" => read.regex = Some(String::new()),
            flag @ ("i" | "m" | "s") if read.regex.is_some() => {
                if let Some(flags) = &mut read.regex {
                    flags.push_str(flag);
                }
            }
            "lt" => read.op = Some(Op::Lt),
            "lte" => read.op = Some(Op::Lte),
            "gt" => read.op = Some(Op::Gt),
            "gte" => read.op = Some(Op::Gte),
            "neq" => read.op = Some(Op::Neq),
            known @ ("base64" | "base64offset" | "utf16" | "utf16le" | "utf16be" | "wide"
            | "windash" | "cidr" | "fieldref" | "expand" | "minute" | "hour" | "day"
            | "week" | "month" | "year") => {
                findings.error(
                    codes::UNSUPPORTED,
                    key.at,
                    format!("the modifier `{known}` is not evaluated"),
                );
                return None;
            }
            other => {
                findings.error(codes::UNKNOWN_MODIFIER, key.at, format!("there is no modifier `{other}`")).help(
                    "contains, startswith, endswith, word, all, cased, re (i, m, s), exists, lt, lte, gt, gte, neq, lexicon, count, weight, near",
                );
                return None;
            }
        }
    }
    let kinds = [
        read.how.is_some(),
        read.op.is_some() && !read.count && !read.weight,
        read.exists,
        read.lexicon,
        read.count,
        read.weight,
        read.near,
        read.regex.is_some(),
    ];
    let kinds = kinds.iter().filter(|k| **k).count();
    let plain_text = kinds == 0 || read.how.is_some();
    if kinds > 1
        || excluded
        || (read.cased && !plain_text)
        || (read.all && !(plain_text || read.lexicon || read.regex.is_some()))
    {
        findings.error(
            codes::BAD_MODIFIERS,
            key.at,
            format!("these modifiers do not go together: `{}`", key.text),
        );
        return None;
    }
    Some((field, read))
}
