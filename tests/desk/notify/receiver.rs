//! Receivers of a test: an HTTP server that answers by a script, and a mail server that takes everything.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// Not at all.
    Hang,
    /// To another address.
    Redirect,
}

/// What was posted.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Posted {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        &found.unwrap_or_else(|| panic!("no {name}: {self:?}")).1
    }
}

/// An HTTP server on loopback.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    posted: Arc<Mutex<Vec<Posted>>>,
}

impl Receiver {
    /// The n-th request gets the n-th answer, later ones the last.
    pub(crate) async fn start(script: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/in", listener.local_addr().expect("an address"));
        let posted: Arc<Mutex<Vec<Posted>>> = Arc::default();
        let (kept, script) = (Arc::clone(&posted), script.to_vec());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept), script.clone()));
            }
        });
        Self { url, posted }
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.lock().expect("no panic").clone()
    }
}

async fn serve(stream: TcpStream, kept: Arc<Mutex<Vec<Posted>>>, script: Vec<Answer>) {
    let mut stream = BufReader::new(stream);
    let (mut headers, mut first) = (Vec::new(), true);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':').filter(|_| !first) {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        first = false;
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    let body = String::from_utf8(body).expect("text");
    let number = {
        let mut kept = kept.lock().expect("no panic");
        kept.push(Posted { headers, body });
        kept.len() - 1
    };
    let answer = script[number.min(script.len() - 1)];
    let text = match answer {
        Answer::Hang => {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            return;
        }
        Answer::Redirect => "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        Answer::Status(status) => format!(
            "HTTP/1.1 {status} So\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
        ),
    };
    let _ = stream.write_all(text.as_bytes()).await;
}

/// A mail server on loopback that keeps what it is given. The first `refused` mails are refused for now.
#[derive(Clone, Debug)]
pub(crate) struct MailServer {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) async fn start(refused: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mails: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, left) = (Arc::clone(&mails), Arc::new(Mutex::new(refused)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&kept), Arc::clone(&left)));
            }
        });
        Self { port, mails }
    }

    /// Envelopes and mails, as they came.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("no panic").clone()
    }
}

async fn talk(
    stream: TcpStream,
    kept: Arc<Mutex<Vec<String>>>,
    left: Arc<Mutex<usize>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await.ok()?;
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250 test",
            "QUIT" => "221 bye",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.ok()?;
                    if line == ".\r\n" {
                        break;
                    }
                    mail.push_str(&line);
                }
                let refuse = {
                    let mut left = left.lock().expect("no panic");
                    let refuse = *left > 0;
                    *left = left.saturating_sub(1);
                    refuse
                };
                let whole = std::mem::take(&mut mail);
                if refuse {
                    "451 later"
                } else {
                    kept.lock().expect("no panic").push(whole);
                    "250 kept"
                }
            }
            "MAIL" | "RCPT" => {
                mail.push_str(&line);
                "250 yes"
            }
            _ => "250 yes",
        };
        stream
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .ok()?;
        if word == "QUIT" {
            return None;
        }
    }
}
