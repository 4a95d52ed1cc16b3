//! A receiver by mail: plain text and the same as simple HTML, in one mail to all its addresses.
//!
//! Invariant: addresses are of the configuration and nothing from a report becomes a header but the subject, which is encoded and has no
//! control character; STARTTLS is never skipped; the message's id is the same at every attempt.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message as Letter, Tokio1Executor};

use super::notifier::{Failure, NotifyError, Transport};
use crate::config::{Email, Smtp, SmtpTls};
use crate::core::model::Millis;
use crate::core::notify::{Language, mail_text};
use crate::desk::store::Message;

/// A receiver by mail.
pub struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    language: Language,
    link: Option<String>,
    zone: TimeZone,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").finish_non_exhaustive()
    }
}

/// The connection to the server.
pub(super) fn server(
    smtp: &Smtp,
    timeout: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotifyError> {
    let wrong = |why: String| NotifyError::Receiver("smtp".to_owned(), why);
    let host = smtp.host.clone().unwrap_or_default();
    let tls = || {
        let mut parameters = TlsParameters::builder(host.clone());
        if let Some(path) = &smtp.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
            parameters = parameters.add_root_certificate(certificate);
        }
        parameters.build().map_err(|error| wrong(error.to_string()))
    };
    let (tls, port) = match smtp.tls {
        SmtpTls::Implicit => (Tls::Wrapper(tls()?), 465),
        SmtpTls::Starttls => (Tls::Required(tls()?), 587),
        SmtpTls::None => (Tls::None, 25),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(smtp.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(timeout));
    if let (Some(name), Some(password)) = (&smtp.username, &smtp.password) {
        let credentials = Credentials::new(name.clone(), password.expose().to_owned());
        builder = builder.credentials(credentials);
    }
    Ok(builder.build())
}

impl Mail {
    /// By its settings, over a connection that receivers share.
    pub fn new(
        channel: &Arc<str>,
        (smtp, email): (&Smtp, &Email),
        server: AsyncSmtpTransport<Tokio1Executor>,
        (language, link, zone): (Language, Option<String>, TimeZone),
    ) -> Result<Self, NotifyError> {
        let mailbox = |text: &str| {
            text.parse::<Mailbox>().map_err(|_| {
                NotifyError::Receiver(channel.to_string(), format!("`{text}` is no mail address"))
            })
        };
        Ok(Self {
            server,
            from: mailbox(smtp.from.as_deref().unwrap_or_default())?,
            to: email
                .to
                .iter()
                .map(|it| mailbox(it))
                .collect::<Result<_, _>>()?,
            language,
            link,
            zone,
        })
    }

    fn letter(&self, message: &Message, now: Millis) -> Result<Letter, Failure> {
        let link = self.link.as_deref();
        let text = mail_text(&message.notices, self.language, link, &self.zone);
        let id = format!("<{}@{}>", message.id, self.from.email.domain());
        let seconds = u64::try_from(now.0.div_euclid(1_000)).unwrap_or_default();
        let header = |name: &'static str, value: &str| {
            HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
        };
        let mut letter = Letter::builder()
            .from(self.from.clone())
            .date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(id))
            .subject(text.subject)
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(notice) = message.notices.first() {
            letter = letter.raw_header(header("X-Tocsin-Status", notice.status.id()));
        }
        for to in &self.to {
            letter = letter.to(to.clone());
        }
        letter
            .multipart(MultiPart::alternative_plain_html(text.plain, text.html))
            .map_err(|error| Failure::new(format!("the mail cannot be written: {error}")))
    }
}

impl Transport for Mail {
    fn send<'a>(&'a self, message: &'a Message, now: Millis) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let letter = self.letter(message, now)?;
            match self.server.send(letter).await {
                Ok(_) => Ok(()),
                Err(error) => Err(Failure::new(format!("mail: {error}"))),
            }
        })
    }
}
