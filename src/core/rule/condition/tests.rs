//! What conditions and their names are read as.

use super::*;

fn node(text: &str) -> Node {
    let at = At {
        line: 1,
        column: 1,
        length: 1,
    };
    let data = Data::Scalar {
        text: text.into(),
        plain: true,
    };
    Node::new(at, data)
}

fn read(text: &str) -> Result<Condition, String> {
    read_with(text, &[])
}

fn read_with(text: &str, conditions: &[(&str, &str)]) -> Result<Condition, String> {
    let nodes: Vec<Node> = conditions.iter().map(|(_, text)| node(text)).collect();
    let named = conditions.iter().map(|(name, _)| *name).zip(&nodes);
    let names = Names {
        selections: vec!["a", "b", "x_1", "x_2", "_hidden"],
        conditions: named.collect(),
        ..Names::default()
    };
    let mut used = vec![false; names.len()];
    let mut findings = Findings::new("f");
    parse(&node(text), &names, &mut used, &mut findings).ok_or_else(|| findings.list[0].to_string())
}

/// The condition with what its names stand for in their places.
fn plain(condition: Condition) -> Condition {
    let all = |parts: Vec<Condition>| parts.into_iter().map(plain).collect();
    match condition {
        Condition::And(parts) => Condition::And(all(parts)),
        Condition::Or(parts) => Condition::Or(all(parts)),
        Condition::Not(part) => Condition::Not(Box::new(plain(*part))),
        Condition::Selection(_) => condition,
        Condition::Named(_, part) => plain(*part),
    }
}

#[test]
fn a_name_stands_for_what_its_condition_says() {
    let known = [
        ("either", "a or b"),
        ("odd", "either and not x_1"),
        ("x_3", "a"),
    ];
    for (text, whole) in [
        ("not either and x_1", "not (a or b) and x_1"),
        ("odd or b", "((a or b) and not x_1) or b"),
        // Conditions are no selections: a pattern does not find them.
        ("1 of x_*", "x_1 or x_2"),
    ] {
        assert_eq!(read_with(text, &known).map(plain), read(whole), "{text}");
    }
    let said = read_with("c", &known).unwrap_err();
    assert_eq!(said, "f:1:1: T0019 the rule has no selection `c`");
}

#[test]
fn named_conditions_are_bounded() {
    let said = read_with("p", &[("p", "a or q"), ("q", "b and p")]).unwrap_err();
    assert_eq!(
        said,
        "f:1:7: T0018 the condition `p` names itself in the end"
    );
    let texts: Vec<(String, String)> = (0..20)
        .map(|n| (format!("c{n}"), format!("c{0} and c{0}", n + 1)))
        .chain([("c20".into(), "a".into())])
        .collect();
    let doubling: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (&**n, &**t)).collect();
    let said = read_with("c0", &doubling).unwrap_err();
    assert!(said.contains("more than 20000 selections"), "{said}");
    let texts: Vec<(String, String)> = (0..100)
        .map(|n| (format!("c{n}"), format!("not c{}", n + 1)))
        .chain([("c100".into(), "a".into())])
        .collect();
    let deep: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (&**n, &**t)).collect();
    let said = read_with("c0", &deep).unwrap_err();
    assert!(said.contains("more than 64 levels"), "{said}");
}

#[test]
fn precedence_and_quantifiers() {
    use Condition::{And, Not, Or, Selection as S};
    assert_eq!(
        read("a or b and not a"),
        Ok(Or(vec![S(0), And(vec![S(1), Not(Box::new(S(0)))])]))
    );
    assert_eq!(
        read("(a or b) and a"),
        Ok(And(vec![Or(vec![S(0), S(1)]), S(0)]))
    );
    assert_eq!(read("1 of x_*"), Ok(Or(vec![S(2), S(3)])));
    assert_eq!(
        read("not all of x*"),
        Ok(Not(Box::new(And(vec![S(2), S(3)]))))
    );
    assert_eq!(read("1 of them"), Ok(Or(vec![S(0), S(1), S(2), S(3)])));
    assert_eq!(
        read("a AND NOT b"),
        Ok(And(vec![S(0), Not(Box::new(S(1)))]))
    );
}

#[test]
fn what_cannot_be_read() {
    for (text, said) in [
        (
            "",
            "f:1:1: T0018 the condition ends where a selection is expected",
        ),
        (
            "a and",
            "f:1:6: T0018 the condition ends where a selection is expected",
        ),
        (
            "a | count() > 5",
            "f:1:3: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
        ),
        (
            "a|count(x) by y > 5",
            "f:1:2: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
        ),
        (
            "a and | near b",
            "f:1:7: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
        ),
        (
            "a near b",
            "f:1:3: T0025 aggregations (`| count() …`, `| near …`) are of Sigma 1",
        ),
        ("a b", "f:1:3: T0018 `b` where `and` or `or` is expected"),
        ("(a", "f:1:1: T0018 `(` without `)`"),
        ("a)", "f:1:2: T0018 `)` without `(`"),
        ("c", "f:1:1: T0019 the rule has no selection `c`"),
        ("1 of y*", "f:1:6: T0019 no selection fits `y*`"),
    ] {
        assert_eq!(read(text), Err(said.to_owned()));
    }
    assert!(read(&"(".repeat(100_000)).is_err());
    assert!(read(&"not ".repeat(100_000)).is_err());
}

#[test]
fn patterns() {
    assert!(fits("a*b", "axxb") && fits("*", "") && fits("a", "a") && fits("a*b*c", "a1b2c"));
    assert!(!fits("a*b", "ab2") && !fits("a", "ab") && !fits("ab*ba", "aba"));
}
