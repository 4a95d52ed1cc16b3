//! A PostgreSQL server of the Debian package on a free port of this machine, stopped when the last test that uses it is done.
//!
//! The server refuses to run as root: it then runs as the user `postgres`, which the package makes. `TOCSIN_TEST_POSTGRES=URL` of a
//! server's maintenance database lends the tests another one.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use sqlx::Connection as _;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    folder: Option<tempfile::TempDir>,
    child: Mutex<Option<Child>>,
    port: u16,
    base: String,
    made: std::sync::atomic::AtomicU32,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// The server that tests share, as long as one of them holds it.
pub(crate) fn shared() -> Arc<Server> {
    let mut slot = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = slot.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start());
    *slot = Arc::downgrade(&server);
    server
}

fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().expect(
        "these tests need PostgreSQL: run tests/run, which installs it on Debian and Ubuntu",
    )
}

fn id_of(option: &str) -> String {
    let out = Command::new("id").args([option, "postgres"]).output();
    let out = out.expect("id").stdout;
    String::from_utf8(out).expect("a number").trim().to_owned()
}

fn is_root() -> bool {
    let out = Command::new("id").arg("-u").output().expect("id").stdout;
    out.starts_with(b"0\n")
}

/// A program of the server's, as a user that it accepts.
fn program(name: &str) -> Command {
    let path = binaries().join(name);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(path);
    command.current_dir("/");
    command
}

impl Server {
    /// One of its own, for a test that does it harm.
    pub(crate) fn start() -> Self {
        if let Ok(base) = std::env::var("TOCSIN_TEST_POSTGRES") {
            return Self {
                folder: None,
                child: Mutex::new(None),
                port: 0,
                base,
                made: std::sync::atomic::AtomicU32::new(0),
            };
        }
        let folder = tempfile::tempdir().expect("a folder");
        if is_root() {
            let (user, group) = (id_of("-u").parse().ok(), id_of("-g").parse().ok());
            std::os::unix::fs::chown(folder.path(), user, group).expect("chown");
        }
        let data = folder.path().join("data");
        let made = program("initdb")
            .arg("-D")
            .arg(&data)
            .args([
                "-U",
                "tocsin",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ])
            .output()
            .expect("initdb");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = free_port();
        let server = Self {
            folder: Some(folder),
            child: Mutex::new(None),
            port,
            base: format!("postgres://tocsin@127.0.0.1:{port}/postgres"),
            made: std::sync::atomic::AtomicU32::new(0),
        };
        server.run();
        server
    }

    /// Starts it (again) on its port.
    pub(crate) fn run(&self) {
        let Some(folder) = &self.folder else { return };
        let child = program("postgres")
            .arg("-D")
            .arg(folder.path().join("data"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args([
                "-c",
                "unix_socket_directories=",
                "-c",
                "max_connections=200",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres");
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let base = self.base.clone();
        // On a thread of its own: a test may be inside a runtime already.
        let ready = std::thread::spawn(move || {
            runtime.block_on(async {
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(60) {
                    if sqlx::PgConnection::connect(&base).await.is_ok() {
                        return true;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                false
            })
        });
        assert!(
            ready.join().expect("no panic"),
            "PostgreSQL did not start within a minute"
        );
    }

    /// Stops it as an operator would: connections are ended.
    pub(crate) fn stop(&self) {
        let child = self
            .child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut child) = child {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-INT", &pid]).status();
            let _ = child.wait();
        }
    }

    /// URL of a database made for the caller.
    pub(crate) async fn database(&self) -> String {
        let number = self.made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let name = format!("desk_{}_{number}", std::process::id());
        let mut connection = sqlx::PgConnection::connect(&self.base)
            .await
            .expect("connect");
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(sql)
            .execute(&mut connection)
            .await
            .expect("create");
        let (before, _) = self.base.rsplit_once('/').expect("a URL with a database");
        format!("{before}/{name}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
