//! Apache Kafka for tests: KRaft, one node, free loopback ports, gone with the test process.
//!
//! One broker serves all tests that do not harm it ([`shared`]); `TOCSIN_TEST_KAFKA=host:port` lends them another. Tests
//! that stop or kill a broker start their own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

/// Longest wait for a broker to answer; machines of CI are slow.
const START: Duration = Duration::from_secs(90);

/// A broker of its own.
pub(super) struct Broker {
    dir: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

/// `host:port` of the broker that all harmless tests share.
pub(crate) fn shared() -> &'static str {
    static SHARED: OnceLock<(String, Option<Broker>)> = OnceLock::new();
    &SHARED
        .get_or_init(|| match std::env::var("TOCSIN_TEST_KAFKA") {
            Ok(brokers) => (brokers, None),
            Err(_) => {
                let broker = Broker::start();
                (broker.address(), Some(broker))
            }
        })
        .0
}

impl Broker {
    /// Starts a broker with an empty log.
    pub(super) fn start() -> Self {
        Self::start_with(|_| String::new(), &[]).0
    }

    /// The same with a second listener, for SASL over TLS, whose properties `more` gives for the broker's folder;
    /// `format` are further arguments of StorageTool. Also returns `host:port` of the second listener.
    pub(super) fn start_with(
        more: impl FnOnce(&Path) -> String,
        format: &[&str],
    ) -> (Self, String) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let [port, controller, second] = free_ports();
        let mut text = properties(dir.path(), port, controller);
        let more = more(dir.path());
        if !more.is_empty() {
            let plain = format!("PLAINTEXT://127.0.0.1:{port}");
            text = text.replace(&plain, &format!("{plain},SASL_SSL://127.0.0.1:{second}"));
            text += &more;
        }
        std::fs::write(dir.path().join("server.properties"), text)
            .expect("write server.properties");
        let mut broker = Self {
            dir,
            port,
            process: None,
        };
        broker.format(format);
        broker.resume();
        (broker, format!("127.0.0.1:{second}"))
    }

    /// Its folder.
    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `host:port`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn format(&self, more: &[&str]) {
        let done = java()
            .args([
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "AAAAAAAAQACAAAAAAAAAAA",
                "-c",
            ])
            .arg(self.dir.path().join("server.properties"))
            .args(more)
            .stdin(Stdio::null())
            .output()
            .expect("run java");
        assert!(
            done.status.success(),
            "StorageTool: {}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// Starts the process again, on the same port and the same log.
    pub(super) fn resume(&mut self) {
        assert!(self.process.is_none(), "already running");
        let log = std::fs::File::create(self.dir.path().join("broker.log")).expect("broker.log");
        // The shell kills the broker when this process ends, however it ends: its standard input is closed then.
        let script = r#"trap '' INT; "$@" </dev/null & pid=$!; while read -r how; do kill -"$how" $pid; wait $pid; exit; done; kill -KILL $pid"#;
        let java = java();
        let process = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(java.get_program())
            .args(java.get_args())
            .arg("kafka.Kafka")
            .arg(self.dir.path().join("server.properties"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("broker.log"))
            .stderr(log)
            .spawn()
            .expect("start the broker");
        self.process = Some(process);
        self.wait_until_ready();
    }

    /// Stops in order (`TERM`) or not (`KILL`), and waits until the process is gone.
    pub(super) fn stop(&mut self, signal: &str) {
        use std::io::Write;
        if let Some(mut process) = self.process.take()
            && let Some(mut input) = process.stdin.take()
        {
            let _ = writeln!(input, "{signal}");
            let _ = input.flush();
            let _ = process.wait();
        }
    }

    fn wait_until_ready(&mut self) {
        let began = Instant::now();
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.address())
            .set("reconnect.backoff.max.ms", "200")
            .create()
            .expect("a client");
        loop {
            if client.fetch_metadata(None, Duration::from_secs(1)).is_ok() {
                return;
            }
            let ended = self
                .process
                .as_mut()
                .is_some_and(|process| process.try_wait().is_ok_and(|status| status.is_some()));
            if ended || began.elapsed() > START {
                let log =
                    std::fs::read_to_string(self.dir.path().join("broker.log")).unwrap_or_default();
                panic!("the broker does not answer; its log:\n{log}");
            }
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop("KILL");
    }
}

fn java() -> Command {
    let jars = jars();
    let mut command = Command::new("java");
    command.args([
        "-Xmx700m",
        "-Xms256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=4",
        "-cp",
    ]);
    command.arg(format!("{}/*", jars.display()));
    command
}

/// The folder of jars, fetched with Maven when it is not there.
fn jars() -> PathBuf {
    static JARS: OnceLock<PathBuf> = OnceLock::new();
    JARS.get_or_init(|| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let jars = tests.join(".cache/kafka");
        let needs = "these tests need a Java runtime 17 or later and Maven: run tests/run, which installs both on Debian \
                     and Ubuntu, or install `default-jre-headless` and `maven`";
        let has_java = Command::new("java").arg("-version").output().is_ok_and(|o| o.status.success());
        assert!(has_java, "no java found; {needs}");
        if !jars.join("kafka_2.13-4.3.1.jar").exists() {
            let output = format!("-DoutputDirectory={}", jars.display());
            let fetched = Command::new("mvn")
                .args(["-q", "-B", "-f"])
                .arg(tests.join("kafka/pom.xml"))
                .args(["dependency:copy-dependencies", &output])
                .output();
            match fetched {
                Err(error) => panic!("no mvn found ({error}); {needs}"),
                Ok(done) if !done.status.success() => {
                    panic!("Maven cannot fetch Apache Kafka:\n{}", String::from_utf8_lossy(&done.stdout))
                }
                Ok(_) => {}
            }
        }
        jars
    })
    .clone()
}

fn free_ports() -> [u16; 3] {
    // Held together, so that they differ.
    let open = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    open.map(|listener| listener.local_addr().expect("an address").port())
}

fn properties(dir: &Path, port: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={log}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=20971520
replica.fetch.max.bytes=20971520
log.flush.interval.messages=9223372036854775807
log.retention.ms=-1
",
        log = dir.join("log").display()
    )
}
