//! TLS to receivers, with an authority of one's own: a webhook and a mail server are believed by its certificates and by no others,
//! and `STARTTLS` is never skipped.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tocsin::config::{Email, Notify, Secret, SmtpTls};
use tocsin::core::model::Level;
use tokio::sync::watch;

use super::webhook::desk;
use super::{fires, log, notifier, settings, states, until};
use crate::desk::world::Site;

/// An authority, and a certificate of 127.0.0.1 that it has signed.
struct Signed {
    authority: PathBuf,
    config: Arc<ServerConfig>,
}

fn openssl(folder: &Path, args: &[&str]) {
    let done = Command::new("openssl")
        .args(args)
        .current_dir(folder)
        .output();
    let done = done.expect("openssl, which Debian and Ubuntu have");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{args:?}: {said}");
}

fn signed(folder: &Path, name: &str) -> Signed {
    let dir = folder.join(name);
    std::fs::create_dir(&dir).unwrap();
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let of = |kind: &[&'static str]| -> Vec<&'static str> { [&["req"], kind, &key[..]].concat() };
    let mut root = of(&["-x509"]);
    root.extend([
        "-days",
        "2",
        "-subj",
        "/CN=An authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]);
    openssl(&dir, &root);
    let mut asked = of(&["-new"]);
    asked.extend([
        "-subj",
        "/CN=127.0.0.1",
        "-keyout",
        "leaf.key",
        "-out",
        "leaf.csr",
    ]);
    openssl(&dir, &asked);
    std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(
        &dir,
        &[
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "leaf.pem",
        ],
    );
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = CertificateDer::from_pem_file(dir.join("leaf.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join("leaf.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    Signed {
        authority: dir.join("ca.pem"),
        config: Arc::new(config),
    }
}

/// What a server was told, a text for each message.
type Told = Arc<Mutex<Vec<String>>>;

/// Serves each connection on a thread until the test ends; its port.
fn serve(talk: impl Fn(TcpStream) -> Option<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let talk = Arc::new(talk);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let talk = Arc::clone(&talk);
            std::thread::spawn(move || talk(stream));
        }
    });
    port
}

fn wrapped(config: &Arc<ServerConfig>, stream: TcpStream) -> Option<impl Read + Write + use<>> {
    let connection = ServerConnection::new(Arc::clone(config)).ok()?;
    Some(StreamOwned::new(connection, stream))
}

/// One request, answered with 200.
fn answer(stream: impl Read + Write, told: &Told) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    told.lock().unwrap().push(String::from_utf8(body).ok()?);
    let stream = stream.get_mut();
    stream
        .write_all(b"HTTP/1.1 200 Ok\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .ok()?;
    stream.flush().ok()
}

/// A mail server's side, from its greeting or from after `STARTTLS`. Returns at `STARTTLS`, which it offers when it may.
fn mail(
    stream: &mut (impl Read + Write),
    (greets, offers): (bool, bool),
    told: &Told,
) -> Option<bool> {
    let say = |stream: &mut dyn Write, text: &str| {
        stream.write_all(text.as_bytes()).ok()?;
        stream.flush().ok()
    };
    if greets {
        say(stream, "220 test\r\n")?;
    }
    let mut letter = String::new();
    loop {
        let line = line_of(stream)?;
        match line.get(..4)?.to_ascii_uppercase().as_str() {
            "EHLO" if offers => say(stream, "250-test\r\n250 STARTTLS\r\n")?,
            "STAR" if offers => {
                say(stream, "220 go\r\n")?;
                return Some(true);
            }
            "DATA" => {
                say(stream, "354 go on\r\n")?;
                loop {
                    let line = line_of(stream)?;
                    if line == ".\r\n" {
                        break;
                    }
                    letter.push_str(&line);
                }
                told.lock().unwrap().push(std::mem::take(&mut letter));
                say(stream, "250 kept\r\n")?;
            }
            "QUIT" => {
                say(stream, "221 bye\r\n")?;
                return Some(false);
            }
            _ => say(stream, "250 yes\r\n")?,
        }
    }
}

/// One line, byte by byte: what comes after it may be the other side's TLS.
fn line_of(stream: &mut impl Read) -> Option<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.last() != Some(&b'\n') {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        line.push(byte[0]);
    }
    String::from_utf8(line).ok()
}

/// Has one notice told by these settings until it is sent or has failed: what became of it, and why.
fn one(config: &Notify) -> (String, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("desk.db").display());
    runtime.block_on(async {
        let (desk, _clock) = desk(&Site { url }).await;
        let mut config = config.clone();
        (config.timeout_s, config.attempts) = (30, 1);
        let it = notifier(&config);
        let (stop, stopped) = watch::channel(false);
        let tasks = it.start(&desk, &stopped);
        desk.absorb_alerts(fires(1, Level::Red)).await.unwrap();
        until("told or given up", async || {
            let states = states(&desk).await;
            states.contains_key("sent") || states.contains_key("dead")
        })
        .await;
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        let row = log(&desk).await.remove(0);
        (row.state, row.reason.unwrap_or_default())
    })
}

/// Two servers' certificates, of which one's authority is believed, and what was told.
struct Scene {
    right: Signed,
    wrong: Signed,
    told: Told,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    Scene {
        right: signed(folder.path(), "right"),
        wrong: signed(folder.path(), "wrong"),
        told: Told::default(),
        _folder: folder,
    }
}

#[test]
fn a_webhook_is_believed_by_its_authority_only() {
    let Scene {
        right,
        wrong,
        told,
        _folder,
    } = scene();
    let (config, kept) = (Arc::clone(&right.config), Arc::clone(&told));
    let port = serve(move |stream| answer(wrapped(&config, stream)?, &kept));
    let with = |authority: Option<&Path>| {
        let mut config = settings(&[("a", "-")]);
        let hook = config.webhooks.get_mut("a").unwrap();
        hook.url = Secret::new(format!("https://127.0.0.1:{port}/in"));
        hook.ca_file = authority.map(Path::to_owned);
        one(&config)
    };
    for authority in [None, Some(wrong.authority.as_path())] {
        let (state, why) = with(authority);
        assert_eq!(state, "dead", "{authority:?}");
        assert!(why.to_lowercase().contains("certificate"), "{why}");
        assert_eq!(told.lock().unwrap().len(), 0, "nothing was said to it");
    }
    assert_eq!(
        with(Some(&right.authority)),
        ("sent".to_owned(), String::new())
    );
    assert!(told.lock().unwrap()[0].contains("new_obligation"));
}

fn mails(port: u16, tls: SmtpTls, authority: &Path) -> Notify {
    let mut notify = settings(&[]);
    notify.smtp.host = Some("127.0.0.1".to_owned());
    notify.smtp.port = Some(port);
    notify.smtp.tls = tls;
    notify.smtp.ca_file = Some(authority.to_owned());
    notify.smtp.from = Some("Tocsin <tocsin@desk.example>".to_owned());
    let email = Email {
        to: vec!["watch@fire.example".to_owned()],
        ..Email::default()
    };
    notify.emails.insert("m".to_owned(), email);
    notify
}

#[test]
fn a_mail_server_is_believed_by_its_authority_only() {
    let Scene {
        right,
        wrong,
        told,
        _folder,
    } = scene();
    let (config, kept) = (Arc::clone(&right.config), Arc::clone(&told));
    let implicit = serve(move |stream| {
        let mut stream = wrapped(&config, stream)?;
        mail(&mut stream, (true, false), &kept).map(|_| ())
    });
    let (config, kept) = (Arc::clone(&right.config), Arc::clone(&told));
    let starttls = serve(move |mut stream| {
        if mail(&mut stream, (true, true), &kept)? {
            let mut stream = wrapped(&config, stream)?;
            mail(&mut stream, (false, false), &kept)?;
        }
        Some(())
    });
    for (port, tls) in [(implicit, SmtpTls::Implicit), (starttls, SmtpTls::Starttls)] {
        let before = told.lock().unwrap().len();
        let (state, why) = one(&mails(port, tls, &wrong.authority));
        assert_eq!(state, "dead", "{tls:?}: {why}");
        assert_eq!(
            told.lock().unwrap().len(),
            before,
            "{tls:?}: nothing was said to it"
        );
        let (state, why) = one(&mails(port, tls, &right.authority));
        assert_eq!((state.as_str(), why.as_str()), ("sent", ""), "{tls:?}");
        assert_eq!(told.lock().unwrap().len(), before + 1);
    }
}

#[test]
fn starttls_that_is_not_offered_is_not_skipped() {
    let Scene {
        right,
        told,
        _folder,
        ..
    } = scene();
    let kept = Arc::clone(&told);
    let port = serve(move |mut stream| mail(&mut stream, (true, false), &kept).map(|_| ()));
    let (state, why) = one(&mails(port, SmtpTls::Starttls, &right.authority));
    assert_eq!(state, "dead", "{why}");
    assert_eq!(
        told.lock().unwrap().len(),
        0,
        "nothing was said in the clear"
    );
}
