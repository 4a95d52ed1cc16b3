//! Where links of panels and alerts lead.

use std::path::Path;

use serde_json::Value;

use crate::dashboards::pages;

/// What is deployed together agrees on where the console is: pages, alerts, proxy and the desk itself.
#[test]
fn links_lead_to_the_console_that_the_compose_file_publishes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let compose: Value = serde_saphyr::from_str(&read("deploy/compose.yaml")).unwrap();
    let port = compose["services"]["desk"]["ports"][0].as_str().unwrap();
    let port = port.split(':').nth(1).unwrap();
    let console = format!("https://localhost:{port}/");
    for (page, json) in pages() {
        let variables = json["templating"]["list"].as_array().unwrap();
        let variable = variables.iter().find(|it| it["name"] == "console");
        let variable = variable.unwrap_or_else(|| panic!("{page}: no console"));
        assert_eq!(variable["query"], *console, "{page}");
        // Replaced as deploy/README.md says, no other console is left on the page.
        let text = json
            .to_string()
            .replace(&console, "https://desk.example.org/");
        assert!(
            !text.contains("localhost") && !text.contains("127.0.0.1"),
            "{page}"
        );
    }
    let prometheus: Value = serde_saphyr::from_str(&read("deploy/prometheus.yml")).unwrap();
    assert_eq!(prometheus["global"]["external_labels"]["console"], *console);
    let site = console.trim_end_matches('/');
    let desk = format!("external_url = \"{site}\"");
    assert!(read("deploy/tocsin.toml").contains(&desk), "{desk}");
    assert!(
        read("deploy/Caddyfile").contains(&format!("{site} {{")),
        "{site}"
    );
    let guide = read("deploy/README.md");
    assert!(guide.contains(&console), "the guide says what to replace");
}
