//! Names of fields that speak of a person rather than of a hazard.
//!
//! Invariant: errs towards dropping. A field that is dropped by mistake can be mapped under another name; a person that is
//! kept by mistake cannot be taken back.

/// Words that make a field personal wherever they stand in its name.
const WORDS: [&str; 60] = [
    "account",
    "address",
    "agent",
    "attn",
    "author",
    "avatar",
    "birthday",
    "byline",
    "callback",
    "caller",
    "cellphone",
    "citizen",
    "complainant",
    "contact",
    "creator",
    "credit",
    "customer",
    "dispatcher",
    "dob",
    "driver",
    "editor",
    "email",
    "employee",
    "fax",
    "handle",
    "idcard",
    "identity",
    "ip",
    "mail",
    "mobile",
    "nick",
    "nickname",
    "officer",
    "operator",
    "owner",
    "passport",
    "patient",
    "person",
    "phone",
    "plate",
    "profile",
    "recipient",
    "reporter",
    "requester",
    "requestor",
    "screenname",
    "sender",
    "ssn",
    "tel",
    "telephone",
    "uid",
    "openid",
    "unionid",
    "wechat",
    "weixin",
    "weibo",
    "qq",
    "whatsapp",
    "telegram",
    "poster",
];

/// Beginnings that make a word personal: `userId`, `username`, `authored`, `phonenumber`.
const STEMS: [&str; 8] = [
    "author",
    "user",
    "phone",
    "email",
    "contact",
    "telephone",
    "victim",
    "surname",
];

/// What may have a name without being a person.
const NAMED_THINGS: [&str; 24] = [
    "agency", "area", "category", "city", "county", "country", "dataset", "district", "event",
    "feed", "hazard", "layer", "place", "product", "region", "river", "road", "service", "site",
    "source", "station", "street", "type", "volcano",
];

/// The same in Chinese; anywhere in the name.
const ZH: [&str; 28] = [
    "作者",
    "用户",
    "姓名",
    "昵称",
    "手机",
    "电话",
    "邮箱",
    "邮件",
    "身份证",
    "联系",
    "发布人",
    "发布者",
    "报警人",
    "报案人",
    "举报人",
    "记者",
    "账号",
    "帐号",
    "地址",
    "车牌",
    "微信",
    "微博",
    "网名",
    "署名",
    "举报者",
    "投诉人",
    "当事人",
    "患者",
];

/// A list of words, and by first letter the lengths of those that begin with it: most words are told by these to be none.
struct Words {
    list: &'static [&'static str],
    lengths: [u32; 26],
}

static PERSONAL: Words = Words::new(&WORDS);
static THINGS: Words = Words::new(&NAMED_THINGS);

impl Words {
    /// The words are of the letters a to z, and shorter than 32.
    const fn new(list: &'static [&'static str]) -> Self {
        let mut lengths = [0; 26];
        let mut n = 0;
        while n < list.len() {
            let word = list[n].as_bytes();
            lengths[(word[0] - b'a') as usize] |= 1 << word.len();
            n += 1;
        }
        Self { list, lengths }
    }

    /// Whether `word` is one of them.
    fn has(&self, word: &[u8]) -> bool {
        let first = word.first().map_or(u8::MAX, |byte| byte.wrapping_sub(b'a'));
        self.lengths
            .get(usize::from(first))
            .is_some_and(|lengths| lengths >> word.len() & 1 == 1)
            && self.list.iter().any(|known| known.as_bytes() == word)
    }
}

/// Longest word of a name that is looked at; a longer one is compared by its beginning.
const LONGEST_WORD: usize = 16;

/// Whether a field of this name may carry a person.
pub fn is_personal(name: &str) -> bool {
    if !name.is_ascii() && ZH.iter().any(|word| name.contains(word)) {
        return true;
    }
    let bytes = name.as_bytes();
    let mut word = [0_u8; LONGEST_WORD];
    let mut length = 0;
    let mut named_thing = false;
    let mut name_word = false;
    for index in 0..=bytes.len() {
        let byte = bytes.get(index).copied().unwrap_or(b'_');
        let camel = byte.is_ascii_uppercase() && index > 0 && bytes[index - 1].is_ascii_lowercase();
        if (camel || !byte.is_ascii_alphanumeric()) && length > 0 {
            match judge(&word[..length]) {
                Judgement::Person => return true,
                Judgement::Name => name_word = true,
                Judgement::Thing => named_thing = true,
                Judgement::Neutral => {}
            }
            length = 0;
        }
        if byte.is_ascii_alphanumeric() && length < LONGEST_WORD {
            word[length] = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    name_word && !named_thing
}

enum Judgement {
    Person,
    Name,
    Thing,
    Neutral,
}

fn judge(word: &[u8]) -> Judgement {
    let singular = word.strip_suffix(b"s").unwrap_or(word);
    let is_in =
        |words: &Words| words.has(word) || singular.len() < word.len() && words.has(singular);
    let begins = |stem: &&str| word[0] == stem.as_bytes()[0] && word.starts_with(stem.as_bytes());
    if is_in(&PERSONAL) || STEMS.iter().any(begins) {
        Judgement::Person
    } else if word.ends_with(b"name") {
        Judgement::Name
    } else if is_in(&THINGS) {
        Judgement::Thing
    } else {
        Judgement::Neutral
    }
}

#[cfg(test)]
mod tests {
    use super::is_personal;

    #[test]
    fn every_word_of_the_lists_is_known() {
        for word in super::WORDS {
            assert!(
                is_personal(word) && is_personal(&format!("{word}s")),
                "{word}"
            );
        }
        for word in super::NAMED_THINGS {
            assert!(!is_personal(&format!("{word}_name")), "{word}");
        }
    }

    #[test]
    fn persons_are_dropped_and_things_kept() {
        for name in [
            "author",
            "Author",
            "dc:creator",
            "user_id",
            "userId",
            "screen_name",
            "name",
            "firstName",
            "display-name",
            "reporter_phone",
            "phoneNumber",
            "e_mail",
            "contacts",
            "caller",
            "作者",
            "联系电话",
            "fullname",
            "handles",
            "uid",
            "wechat_id",
            "微信号",
        ] {
            assert!(is_personal(name), "{name}");
        }
        for name in [
            "magnitude",
            "depth_km",
            "category",
            "service_name",
            "stationName",
            "type",
            "feed",
            "seq",
            "priority",
            "alarms",
            "neighborhood",
            "district",
            "震级",
            "gdacs.severity",
            "use",
            "reported_at",
            "zip",
            "closed",
            "channel",
        ] {
            assert!(!is_personal(name), "{name}");
        }
    }
}
