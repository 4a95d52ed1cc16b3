//! The parts of a written time, read from left to right.

use jiff::civil::DateTime;

use super::civil;

/// What is left to read of a time.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
}

impl Cursor<'_> {
    /// Date, time if any, and offset in seconds if stated.
    pub(super) fn date_time(&mut self) -> Option<(DateTime, Option<i64>)> {
        let (year, month, day) =
            if self.rest.starts_with(|c: char| c.is_ascii_digit()) && !self.is_day_and_month() {
                self.iso_date()?
            } else {
                self.mail_date()?
            };
        self.skip(|c| matches!(c, 'T' | 't' | ' ' | ',' | '_' | '\u{3000}'));
        if self.rest.is_empty() {
            return Some((civil(year, month, day, (0, 0, 0, 0))?, None));
        }
        let time = self.time()?;
        self.skip(|c| c == ' ');
        let offset = self.offset()?;
        Some((civil(year, month, day, time)?, offset))
    }

    /// `23 Sep 2018` begins with a digit too.
    fn is_day_and_month(&self) -> bool {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.trim_start_matches([' ', '-'])
            .starts_with(|c: char| c.is_ascii_alphabetic())
            && self.rest.len() - rest.len() <= 2
    }

    /// `2016-07-13`, `2016/7/13`, `2016.07.13`, `2008年04月05日`.
    fn iso_date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.number(4, 4)?;
        let separator = self.one_of(&['-', '/', '.', '年'])?;
        let month = self.number(1, 2)?;
        self.one_of(&[if separator == '年' { '月' } else { separator }])?;
        let day = self.number(1, 2)?;
        self.one_of(&['日', '号']);
        Some((year, month, day))
    }

    /// `Sun, 23 Sep 2018`, `23-Sep-2018`, `Sep 23, 2018`.
    fn mail_date(&mut self) -> Option<(i64, i64, i64)> {
        let mut word = self.word();
        if is_weekday(word) {
            self.skip(|c| matches!(c, ',' | ' '));
            word = self.word();
        }
        let join = |c: char| matches!(c, ' ' | '-' | ',' | '.');
        if let Some(month) = month(word) {
            self.skip(join);
            let day = self.number(1, 2)?;
            self.skip(join);
            return Some((self.number(4, 4)?, month, day));
        }
        if !word.is_empty() {
            return None;
        }
        let day = self.number(1, 2)?;
        self.skip(join);
        let month = month(self.word())?;
        self.skip(join);
        let year = self.number(2, 4)?;
        // RFC 2822, 4.3: two digits up to 49 are this century, the rest the last.
        let year = match year {
            0..=49 => year + 2000,
            50..=999 => year + 1900,
            _ => year,
        };
        Some((year, month, day))
    }

    /// `15:11`, `15:11:07.25`, `9时12分`, with AM or PM perhaps.
    fn time(&mut self) -> Option<(i64, i64, i64, i64)> {
        let mut hour = self.number(1, 2)?;
        let (mut minute, mut second, mut nanos) = (0, 0, 0);
        if self.one_of(&[':', '：', '时', '点'])? == '时' && self.rest.is_empty() {
            return Some((hour, 0, 0, 0));
        }
        if let Some(read) = self.number(1, 2) {
            minute = read;
            if self.one_of(&[':', '：', '分']).is_some()
                && let Some(read) = self.number(1, 2)
            {
                second = read;
                self.one_of(&['秒']);
                if self.one_of(&['.', ',']).is_some() {
                    nanos = self.fraction()?;
                }
            }
        }
        let before = self.rest;
        self.skip(|c| c == ' ');
        match self.word() {
            "AM" | "am" if hour <= 12 => hour %= 12,
            "PM" | "pm" if hour <= 12 => hour = hour % 12 + 12,
            _ => self.rest = before,
        }
        Some((hour, minute, second, nanos))
    }

    /// Digits after the point as nanoseconds.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let kept = &digits[..length.min(9)];
        let scale = 10_i64.pow(9 - kept.len() as u32);
        Some(kept.parse::<i64>().ok()? * scale)
    }

    /// Seconds east of UTC; inner none when nothing is stated; outer none when it is not an offset.
    #[allow(clippy::option_option)]
    fn offset(&mut self) -> Option<Option<i64>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        if let Some(sign) = self.one_of(&['+', '-', '−']) {
            let hour = self.two_digits()?;
            self.one_of(&[':']);
            let minute = if self.rest.is_empty() {
                0
            } else {
                self.two_digits()?
            };
            self.skip(|c| c == ' ');
            // RFC 2822 allows a comment behind the offset, `+0000 (UTC)`.
            if self.rest.starts_with('(') && self.rest.ends_with(')') {
                self.rest = "";
            }
            let seconds = hour * 3600 + minute * 60;
            return (hour <= 18 && minute <= 59).then_some(Some(if sign == '+' {
                seconds
            } else {
                -seconds
            }));
        }
        let hours = match self.word() {
            "Z" | "z" | "UT" | "UTC" | "GMT" => 0,
            "EDT" => -4,
            "EST" | "CDT" => -5,
            "MDT" => -6,
            "MST" | "PDT" => -7,
            "PST" => -8,
            _ => return None,
        };
        if self.rest.is_empty() {
            Some(Some(hours * 3600))
        } else {
            None
        }
    }

    fn skip(&mut self, accept: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(accept);
    }

    fn one_of(&mut self, accepted: &[char]) -> Option<char> {
        let c = self.rest.chars().next().filter(|c| accepted.contains(c))?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn number(&mut self, fewest: usize, most: usize) -> Option<i64> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if length < fewest || length > most {
            return None;
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok()
    }

    fn two_digits(&mut self) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(2)?;
        self.rest = rest;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    }

    fn word(&mut self) -> &str {
        let length = self
            .rest
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }
}

fn month(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = word.get(..3)?.to_ascii_lowercase();
    MONTHS
        .iter()
        .position(|month| *month == start)
        .map(|index| index as i64 + 1)
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    word.get(..3)
        .is_some_and(|start| DAYS.contains(&start.to_ascii_lowercase().as_str()))
}
