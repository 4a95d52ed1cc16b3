//! Pages of persons on the large networks: the name in `t.me/name` is a handle without an at sign.
//!
//! Invariant: everything behind the host is masked, since whether a part of it is a name or a number depends on the
//! network; the host stays. Only whole hosts count: `netflix.com/` is not `x.com/`.

use super::at::name_length;

/// Where pages of persons begin. What only some paths of a host show is written with those paths.
const PAGES: [&str; 30] = [
    "t.me/",
    "telegram.me/",
    "twitter.com/",
    "x.com/",
    "facebook.com/",
    "fb.com/",
    "instagram.com/",
    "tiktok.com/",
    "threads.com/",
    "weibo.com/",
    "weibo.cn/",
    "wa.me/",
    "line.me/",
    "vk.com/",
    "ok.ru/profile/",
    "linkedin.com/in/",
    "snapchat.com/add/",
    "medium.com/@",
    "youtube.com/user/",
    "youtube.com/c/",
    "reddit.com/u/",
    "reddit.com/user/",
    "pinterest.com/",
    "zhihu.com/people/",
    "douyin.com/user/",
    "kuaishou.com/profile/",
    "xiaohongshu.com/user/",
    "space.bilibili.com/",
    "tieba.baidu.com/home/",
    "douban.com/people/",
];

/// Adds the byte spans of what stands behind such a host in `text`.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    // The hosts end in one of four letters.
    while let Some(offset) = memchr::memchr(b'/', &bytes[from..]) {
        let slash = from + offset;
        from = slash + 1;
        if !matches!(
            slash.checked_sub(1).map(|at| bytes[at] | 0x20),
            Some(b'e' | b'm' | b'n' | b'u')
        ) {
            continue;
        }
        let Some(start) = PAGES
            .iter()
            .find_map(|page| path_behind(bytes, slash, page))
        else {
            continue;
        };
        let end = start + path_length(&text[start..]);
        if end > start {
            found.push((start, end));
        }
        from = end.max(from);
    }
}

/// Where the path begins, when `page` stands in `bytes` with its first slash at `slash`.
fn path_behind(bytes: &[u8], slash: usize, page: &str) -> Option<usize> {
    let host = page.find('/')?;
    let begin = slash.checked_sub(host)?;
    let end = begin + page.len();
    let whole = begin
        .checked_sub(1)
        .is_none_or(|before| !bytes[before].is_ascii_alphanumeric() && bytes[before] != b'-');
    let same = whole && bytes.get(begin..end)?.eq_ignore_ascii_case(page.as_bytes());
    same.then_some(end)
}

/// Bytes of the path: what a link may hold, without the stop that ends the sentence, or a name in another script.
fn path_length(text: &str) -> usize {
    let mut kept = 0;
    let mut at = 0;
    while at < text.len() {
        let byte = text.as_bytes()[at];
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'@' | b'%' | b'+' | b'-') {
            at += 1;
            kept = at;
        } else if matches!(byte, b'.' | b'~' | b'=' | b'&' | b'?' | b'#') {
            at += 1;
        } else {
            // `weibo.com/n/名字`: a name ends where names do. Text behind a whole path is none of it.
            if byte >= 0x80 && text[..at].ends_with("n/") {
                kept = at + name_length(&text[at..]);
            }
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use crate::core::mask::mask;

    fn masked(text: &str) -> String {
        mask(text.into()).into_owned()
    }

    #[test]
    fn pages_of_persons_lose_their_names() {
        for (text, expected) in [
            ("see t.me/name_1.", "see t.me/••••••."),
            ("see T.ME/name_1.", "see T.ME/••••••."),
            ("HTTPS://X.COM/name", "HTTPS://X.COM/••••"),
            ("火灾视频见 WEIBO.CN/name", "火灾视频见 WEIBO.CN/••••"),
            (
                "https://www.Twitter.com/na/status/12?s=1 x",
                "https://www.Twitter.com/•••••••••••••••• x",
            ),
            (
                "http://m.weibo.cn/n/张三 着火",
                "http://m.weibo.cn/•••• 着火",
            ),
            ("http://weibo.com/abc着火了", "http://weibo.com/•••着火了"),
            (
                "linkedin.com/in/some-name, ok",
                "linkedin.com/in/•••••••••, ok",
            ),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn other_links_stay() {
        for text in [
            "https://www.netflix.com/title/80",
            "weibo.com and t.me",
            "http://t.cn/a1b2",
            "https://linkedin.com/company/x",
            "https://www.gdacs.org/report.aspx?eventtype=EQ",
            "90 km/h",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
