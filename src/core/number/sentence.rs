//! The sentences of a template, and whether each is about this event.
//!
//! Invariant: each sentence is read once however many numbers are in it, so that the work stays linear in the text.

/// Words of a sentence that is not about this event: its numbers are none.
const ANOTHER: [&str; 20] = [
    "去年",
    "前年",
    "历史上",
    "上世纪",
    "同比",
    "周年",
    "往年",
    "每年",
    "last year",
    "years ago",
    "year ago",
    "in history",
    "anniversary",
    "historical",
    "previous year",
    "every year",
    "each year",
    "per year",
    "annually",
    "a year ago",
];

/// Words of a sentence that may be about another event: its numbers count where there are no others.
const EARLIER: [&str; 7] = [
    "以来",
    "曾",
    "此前发生",
    "since ¤",
    "back in",
    "in ¤",
    "¤年",
];

/// A sentence, as far as its numbers are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentence {
    /// Where it begins.
    pub start: usize,
    /// About another event: none of its numbers counts.
    pub another: bool,
    /// May be about another event, see [`EARLIER`].
    pub earlier: bool,
}

/// All sentences of a text, found when the first one is asked for.
pub(super) struct Sentences<'t> {
    text: &'t str,
    /// Where each begins, ascending; the first at 0. Empty before they are found.
    starts: Vec<usize>,
    judged: Vec<Option<Sentence>>,
}

impl<'t> Sentences<'t> {
    /// Those of `text`.
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            text,
            starts: Vec::new(),
            judged: Vec::new(),
        }
    }

    /// Finds them. English sentences end with a full stop and a space; decimals have become marks already.
    fn find(&mut self) {
        let text = self.text;
        self.starts.push(0);
        self.starts
            .extend(text.char_indices().filter_map(|(at, c)| {
                let ends = matches!(c, '。' | '!' | '?' | ';' | '\n')
                    || c == '.' && text[at + 1..].starts_with(' ');
                (ends && at > 0).then_some(at)
            }));
        self.judged = vec![None; self.starts.len()];
    }

    /// The sentence around a byte, which is not the one that ends it.
    pub(super) fn around(&mut self, at: usize) -> Sentence {
        if self.starts.is_empty() {
            self.find();
        }
        let index = self.starts.partition_point(|start| *start <= at).max(1) - 1;
        if let Some(known) = self.judged[index] {
            return known;
        }
        let start = self.starts[index];
        let end = self
            .starts
            .get(index + 1)
            .copied()
            .unwrap_or(self.text.len());
        let sentence = &self.text[start..end];
        let has = |words: &[&str]| words.iter().any(|word| sentence.contains(word));
        let judged = Sentence {
            start,
            another: has(&ANOTHER),
            earlier: has(&EARLIER),
        };
        self.judged[index] = Some(judged);
        judged
    }
}
