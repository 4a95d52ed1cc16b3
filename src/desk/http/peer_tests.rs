use super::*;

fn reach(url: Option<&str>, proxies: &[&str]) -> Reach {
    Reach {
        external_url: url.map(|url| url.parse().unwrap()),
        proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                header::HeaderName::from_static(name),
                value.parse().unwrap(),
            )
        })
        .collect()
}

#[test]
fn networks() {
    let net = |text: &str| text.parse::<Network>();
    for wrong in [
        "",
        "x",
        "10.0.0.0/33",
        "10.0.0.0/0",
        "::/129",
        "10.0.0.1:80",
        "10.0.0.0/x",
    ] {
        assert!(net(wrong).is_err(), "{wrong}");
    }
    for (text, address, holds) in [
        ("10.0.0.5", "10.0.0.5", true),
        ("10.0.0.5", "10.0.0.6", false),
        ("10.0.0.5", "::ffff:10.0.0.5", true),
        ("10.1.0.0/16", "10.1.255.255", true),
        ("10.1.0.0/16", "10.2.0.0", false),
        ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "fe80::1", false),
        ("fd00::/8", "10.0.0.1", false),
        ("::1", "::1", true),
    ] {
        assert_eq!(
            net(text).unwrap().holds(address.parse().unwrap()),
            holds,
            "{text} {address}"
        );
    }
}

#[test]
fn beyond_loopback_everything_has_to_be_stated() {
    let here = "127.0.0.1:8480".parse().unwrap();
    let wide = "0.0.0.0:8480".parse().unwrap();
    assert_eq!(reach(None, &[]).check(here, 0), Ok(()));
    assert_eq!(
        reach(None, &[]).check("[::1]:1".parse().unwrap(), 0),
        Ok(())
    );
    let url = Some("https://desk.example");
    let full = reach(url, &["10.0.0.5"]);
    assert_eq!(full.check(wide, 1), Ok(()));
    let why = reach(None, &[]).check(wide, 0).unwrap_err().to_string();
    for fix in [
        "desk.http.tls_terminated_by",
        "desk.http.external_url",
        "tocsin token create",
        "127.0.0.1",
    ] {
        assert!(why.contains(fix), "{why}");
    }
    for (reach, tokens, fix) in [
        (&full, 0, "tocsin token create"),
        (&reach(url, &[]), 1, "tls_terminated_by"),
        (
            &reach(Some("http://desk.example"), &["10.0.0.5"]),
            1,
            "external_url",
        ),
        (&reach(None, &["10.0.0.5"]), 1, "external_url"),
    ] {
        let why = reach.check(wide, tokens).unwrap_err().to_string();
        assert!(why.contains(fix), "{why}");
    }
    // Cookies would be Secure, and nobody would have ended TLS.
    assert!(reach(url, &[]).check(here, 1).is_err());
}

#[test]
fn a_forwarded_address_is_believed_of_stated_proxies_only() {
    let direct = reach(None, &[]);
    let proxied = reach(Some("https://desk.example"), &["10.0.0.0/24"]);
    let ask = |reach: &Reach, peer: &str, forwarded: &str| {
        let headers = headers(&[("x-forwarded-for", forwarded)]);
        reach
            .asker(peer.parse().unwrap(), &headers)
            .map(|address| address.to_string())
            .map_err(|p| p.status().as_u16())
    };
    assert_eq!(
        ask(&direct, "10.9.9.9", "1.2.3.4"),
        Ok("10.9.9.9".to_owned())
    );
    assert_eq!(ask(&proxied, "10.9.9.9", "1.2.3.4"), Err(403));
    assert_eq!(
        ask(&proxied, "10.0.0.5", "1.2.3.4"),
        Ok("1.2.3.4".to_owned())
    );
    assert_eq!(
        ask(&proxied, "10.0.0.5", "6.6.6.6, 1.2.3.4, 10.0.0.7"),
        Ok("1.2.3.4".to_owned())
    );
    assert_eq!(
        ask(&proxied, "::ffff:10.0.0.5", "rubbish"),
        Ok("10.0.0.5".to_owned())
    );
}

#[test]
fn only_our_own_names_are_heard() {
    let local = reach(None, &[]);
    let named = reach(Some("https://desk.example"), &["10.0.0.5"]);
    let check = |reach: &Reach, host: &str| {
        reach
            .check_host(&headers(&[("host", host)]), &Uri::from_static("/"))
            .is_ok()
    };
    for (host, here, there) in [
        ("127.0.0.1:8480", true, false),
        ("localhost:8480", true, false),
        ("[::1]:8480", true, false),
        ("desk.example", false, true),
        ("DESK.example:443", false, true),
        ("desk.example:8443", false, false),
        ("rebound.example:8480", false, false),
        ("desk.example.evil.example", false, false),
        ("", false, false),
    ] {
        assert_eq!(check(&local, host), here, "{host}");
        assert_eq!(check(&named, host), there, "{host}");
    }
}

#[test]
fn a_change_by_cookie_comes_from_our_own_pages() {
    let local = reach(None, &[]);
    let named = reach(Some("https://desk.example"), &["10.0.0.5"]);
    let check = |reach: &Reach, method: Method, pairs: &[(&'static str, &str)]| {
        reach.check_origin(&method, &headers(pairs)).is_ok()
    };
    let here = ("host", "127.0.0.1:8480");
    assert!(check(&local, Method::POST, &[here]));
    assert!(check(
        &local,
        Method::POST,
        &[
            here,
            ("origin", "http://127.0.0.1:8480"),
            ("sec-fetch-site", "same-origin")
        ]
    ));
    for wrong in [
        ("origin", "http://127.0.0.1:9000"),
        ("origin", "https://127.0.0.1:8480"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert!(!check(&local, Method::POST, &[here, wrong]), "{wrong:?}");
        assert!(check(&local, Method::GET, &[here, wrong]), "{wrong:?}");
    }
    assert!(check(
        &named,
        Method::POST,
        &[("host", "desk.example"), ("origin", "https://desk.example")]
    ));
    assert!(!check(
        &named,
        Method::POST,
        &[("host", "desk.example"), ("origin", "http://desk.example")]
    ));
}
