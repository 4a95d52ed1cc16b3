//! The feed and the part of a topic that tools read records from.

use super::super::Misused;
use crate::config::Settings;
use crate::core::model::{DecoderKind, Feed};
use crate::core::replay::default_feed;
use crate::kafka::range::{Bound, Range};

/// Which part of which topic.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TopicArgs {
    /// Read records from this topic, committed ones only; nothing is joined or written. Of which feed they are, the configuration
    /// says, or --feed
    #[arg(long, value_name = "TOPIC")]
    pub(in crate::cli) topic: Option<String>,
    /// Begin at this offset (1500), at these offsets by partition (0:1500,1:1620), at this time (RFC 3339) or as long ago (24h). A
    /// partition that is not named is read from its beginning
    #[arg(long, value_name = "WHERE", requires = "topic")]
    pub(in crate::cli) from: Option<Bound>,
    /// End before it, in the same words; without it, and in a partition that is not named, where the topic ends now
    #[arg(long, value_name = "WHERE", requires = "topic")]
    pub(in crate::cli) to: Option<Bound>,
}

impl TopicArgs {
    /// That nothing is asked of a topic where none is named: beside a file the parser does not say so.
    pub(in crate::cli) fn check(&self, others: &[(&str, bool)]) -> Result<(), Misused> {
        let own = [("--from", self.from.is_some()), ("--to", self.to.is_some())];
        let asked = own.iter().chain(others).find(|(_, given)| *given);
        match asked {
            Some((name, _)) if self.topic.is_none() => Err(Misused(format!(
                "{name} is about a topic, and a file is read whole: leave it out, or name --topic instead of the file"
            ))),
            _ => Ok(()),
        }
    }

    /// The range, if a topic is named.
    pub(in crate::cli) fn range(&self) -> Option<Range> {
        Some(Range {
            topic: self.topic.clone()?,
            partition: None,
            from: self.from.clone().unwrap_or(Bound::Open),
            to: self.to.clone().unwrap_or(Bound::Open),
        })
    }

    /// The feed that records are of: the one named, else the topic's, else Tocsin JSON; read in the format named, if one is.
    pub(in crate::cli) fn feed(
        &self,
        settings: &Settings,
        id: Option<&str>,
        decoder: Option<&str>,
    ) -> Result<Feed, Misused> {
        let feeds = &settings.feeds;
        let known = || {
            let all: Vec<String> = feeds
                .iter()
                .map(|feed| format!("{} ({})", feed.id, feed.topic))
                .collect();
            all.join(", ")
        };
        let found = match (id, &self.topic) {
            (Some(id), _) => feeds.iter().find(|feed| *feed.id == *id).ok_or_else(|| {
                format!("--feed: no feed `{id}` is configured; there are: {}", known())
            }),
            (None, Some(topic)) => feeds.iter().find(|feed| feed.topic == *topic).ok_or_else(|| {
                let known = known();
                format!("--topic: `{topic}` is no configured feed's: name one with --feed; there are: {known}")
            }),
            (None, None) => return decoded(default_feed(), decoder),
        };
        decoded(found.map_err(Misused)?.clone(), decoder)
    }
}

fn decoded(mut feed: Feed, decoder: Option<&str>) -> Result<Feed, Misused> {
    if let Some(name) = decoder {
        let kind: Result<DecoderKind, _> = serde_json::from_value(name.into());
        feed.decoder = kind.map_err(|_| {
            Misused(format!(
                "--decoder: `{name}` is none of tocsin, mapped, cloudevents, cap, open311, geojson, rss"
            ))
        })?;
    }
    Ok(feed)
}
