//! TLS and SASL: the commands get in with the right settings, and say which setting is wrong where it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::broker::Broker;
use super::plant::{Plant, Sent};
use super::tools::until;

const USER: &str = "tocsin";
const PLAIN_PASSWORD: &str = "plain-and-long";
const SCRAM_PASSWORD: &str = "scram-and-long";
const KAFKA: &str = "transaction_max_ms = 50";

/// A key for 127.0.0.1 and the certificate that says so, signed by itself, as PEM.
pub(super) fn certificate(dir: &Path, name: &str) -> PathBuf {
    let keytool = |args: &[&str]| {
        let store = dir.join(format!("{name}.p12"));
        let done = Command::new("keytool")
            .args(args)
            .args([
                "-alias",
                "broker",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
            ])
            .arg("-keystore")
            .arg(store)
            .output()
            .expect("run keytool, which is part of the Java runtime");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stdout)
        );
        done.stdout
    };
    keytool(&[
        "-genkeypair",
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        "CN=127.0.0.1",
        "-ext",
        "SAN=ip:127.0.0.1",
        "-validity",
        "30",
    ]);
    let file = dir.join(format!("{name}.pem"));
    std::fs::write(&file, keytool(&["-exportcert", "-rfc"])).expect("write the certificate");
    file
}

/// A broker with a second listener, its address, the certificate to trust, and one that it does not have.
fn secured() -> (Broker, String, PathBuf, PathBuf) {
    let properties = |dir: &Path| {
        certificate(dir, "broker");
        certificate(dir, "other");
        let login = "org.apache.kafka.common.security";
        format!(
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.ssl.keystore.location={store}
listener.name.sasl_ssl.ssl.keystore.type=PKCS12
listener.name.sasl_ssl.ssl.keystore.password=changeit
listener.name.sasl_ssl.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_{USER}=\"{PLAIN_PASSWORD}\";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
",
            store = dir.join("broker.p12").display()
        )
    };
    let user = |mechanism: &str| format!("{mechanism}=[name={USER},password={SCRAM_PASSWORD}]");
    let (broker, address) = Broker::start_with(
        properties,
        &[
            "--add-scram",
            &user("SCRAM-SHA-256"),
            "--add-scram",
            &user("SCRAM-SHA-512"),
        ],
    );
    let (right, wrong) = (
        broker.dir().join("broker.pem"),
        broker.dir().join("other.pem"),
    );
    (broker, address, right, wrong)
}

fn section(mechanism: &str, password: &str, authority: &Path) -> String {
    format!(
        "{KAFKA}\n[kafka.security]\nprotocol = \"sasl_ssl\"\nmechanism = \"{mechanism}\"\nusername = \"{USER}\"\npassword = \
         \"{password}\"\nca_file = \"{}\"\n",
        authority.display()
    )
}

#[test]
fn tls_and_sasl_let_the_right_ones_in_and_say_what_is_wrong() {
    let (broker, address, right, wrong) = secured();
    let plain = broker.address();
    let mut plant = Plant::new(&plain, "secure", KAFKA);
    plant.edit(
        &format!("brokers = \"{plain}\""),
        &format!("brokers = \"{address}\""),
    );
    // Without any security, the message names the setting to look at.
    let (status, said) = plant.command(&["topics", "check"]);
    assert!(
        !status.success() && said.contains("kafka.security.protocol"),
        "{said}"
    );

    let mut now = KAFKA.to_owned();
    let mut set = |plant: &Plant, text: String| {
        plant.edit(&now, &text);
        now = text;
    };
    for (mechanism, password) in [
        ("PLAIN", PLAIN_PASSWORD),
        ("SCRAM-SHA-256", SCRAM_PASSWORD),
        ("SCRAM-SHA-512", SCRAM_PASSWORD),
    ] {
        set(&plant, section(mechanism, password, &right));
        let (status, said) = plant.command(&["topics", "check"]);
        assert!(
            status.success() && said.contains("as they should be"),
            "{mechanism}: {said}"
        );
    }
    let mut running = plant.run("a", 1);
    let payload = br#"{"id":"1","text":"House on fire","lat":-10.2,"lon":-120.1}"#.to_vec();
    plant.send(vec![Sent {
        feed: 0,
        partition: 0,
        at: tocsin::telemetry::wall_clock().0,
        payload,
    }]);
    until(Duration::from_secs(60), "the report is read", || {
        running.assert_alive();
        plant.is_done()
    });
    running.stop();
    assert_eq!(plant.verify(), (1, 1, 0));
    super::doctor::what_is_denied_is_named(&plant, &plain, USER);

    for (text, expected) in [
        (section("PLAIN", "wrong-secret", &right), "password"),
        (section("SCRAM-SHA-512", "wrong-secret", &right), "password"),
        (section("PLAIN", PLAIN_PASSWORD, &wrong), "ca_file"),
    ] {
        set(&plant, text);
        for args in [
            &["topics", "check"][..],
            &["topics", "create"],
            &["run"],
            &["dead-letters", "list"],
        ] {
            let began = Instant::now();
            let (status, said) = plant.command(args);
            assert!(!status.success(), "{args:?}: {said}");
            for part in [expected, "[kafka.security]", &address] {
                assert!(said.contains(part), "{args:?}, {part}: {said}");
            }
            for secret in ["wrong-secret", PLAIN_PASSWORD] {
                assert!(!said.contains(secret), "{said}");
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{args:?}: {:?}",
                began.elapsed()
            );
        }
    }
}
