//! Who inherits what from whom, and what is refused in which words.

use expect_test::{Expect, expect};

use super::super::{CHAIN_MAX, Change, Waits, WaitsError};
use super::names::{id, ids};

fn add(waits: &mut Waits, task: &str, own: u32, depends_on: &[&str]) -> Vec<Change> {
    waits.add(&id(task), own, &ids(depends_on)).unwrap()
}

/// Writes down what changed after each step.
fn check(steps: &[(&str, Result<Vec<Change>, WaitsError>)], expected: Expect) {
    let mut table = String::new();
    for (step, found) in steps {
        let told = match found {
            Ok(changes) => changes
                .iter()
                .map(|c| format!(" {} {}->{}", c.task, c.from, c.to))
                .collect(),
            Err(refused) => format!(" {refused}"),
        };
        table += &format!("{step}:{told}\n");
    }
    expected.assert_eq(&table);
}

#[test]
fn a_parent_is_as_urgent_as_its_most_urgent_child_until_that_ends() {
    let mut waits = Waits::default();
    let steps = [
        ("a at 5", waits.add(&id("a"), 5, &[])),
        ("b at 4 waits for a", waits.add(&id("b"), 4, &ids(&["a"]))),
        ("c at 1 waits for b", waits.add(&id("c"), 1, &ids(&["b"]))),
        ("d at 2 waits for a", waits.add(&id("d"), 2, &ids(&["a"]))),
        ("c ends", Ok(waits.ended(&id("c")))),
        ("d ends", Ok(waits.ended(&id("d")))),
        ("a ends", Ok(waits.ended(&id("a")))),
        ("b ends", Ok(waits.ended(&id("b")))),
        ("b ends again", Ok(waits.ended(&id("b")))),
    ];
    check(
        &steps,
        expect![[r#"
            a at 5:
            b at 4 waits for a: a 5->4
            c at 1 waits for b: a 4->1 b 4->1
            d at 2 waits for a:
            c ends: a 1->2 b 1->4
            d ends: a 2->4
            a ends:
            b ends:
            b ends again:
        "#]],
    );
    assert_eq!(waits, Waits::default());
}

#[test]
fn a_parent_that_comes_later_inherits_when_it_comes() {
    let mut waits = Waits::default();
    let steps = [
        ("b at 1 waits for a", waits.add(&id("b"), 1, &ids(&["a"]))),
        ("a at 5 waits for z", waits.add(&id("a"), 5, &ids(&["z"]))),
        ("z at 9", waits.add(&id("z"), 9, &[])),
    ];
    check(
        &steps,
        expect![[r#"
            b at 1 waits for a:
            a at 5 waits for z: a 5->1
            z at 9: z 9->1
        "#]],
    );
}

#[test]
fn the_holder_of_a_key_is_as_urgent_as_those_that_wait_for_the_key() {
    let mut waits = Waits::default();
    add(&mut waits, "slow", 9, &[]);
    add(&mut waits, "fast", 2, &[]);
    add(&mut waits, "urgent", 1, &[]);
    let steps = [
        ("slow holds k", waits.holds("k", &id("slow"))),
        ("fast waits for k", waits.waits_for_key("k", &id("fast"))),
        ("urgent waits for k", waits.waits_for_key("k", &id("urgent"))),
        ("k is released", Ok(waits.released("k"))),
        ("fast holds k", waits.holds("k", &id("fast"))),
        ("slow holds k instead", waits.holds("k", &id("slow"))),
        ("slow ends", Ok(waits.ended(&id("slow")))),
        ("urgent holds k", waits.holds("k", &id("urgent"))),
    ];
    check(
        &steps,
        expect![[r#"
            slow holds k:
            fast waits for k: slow 9->2
            urgent waits for k: slow 2->1
            k is released: slow 1->9
            fast holds k: fast 2->1
            slow holds k instead: fast 1->2 slow 9->1
            slow ends:
            urgent holds k:
        "#]],
    );
    waits.ended(&id("fast"));
    waits.ended(&id("urgent"));
    assert_eq!(waits, Waits::default());
}

#[test]
fn a_task_that_is_added_again_has_its_new_priority_and_dependencies() {
    let mut waits = Waits::default();
    for task in ["a", "b"] {
        add(&mut waits, task, 5, &[]);
    }
    add(&mut waits, "slow", 9, &[]);
    waits.holds("k", &id("slow")).unwrap();
    add(&mut waits, "c", 1, &["a"]);
    waits.waits_for_key("k", &id("c")).unwrap();
    let steps = [
        ("c at 1 waits for b", waits.add(&id("c"), 1, &ids(&["b"]))),
        ("c at 3 waits for b", waits.add(&id("c"), 3, &ids(&["b", "b"]))),
        ("c at 3 waits for b", waits.add(&id("c"), 3, &ids(&["b"]))),
    ];
    check(
        &steps,
        expect![[r#"
            c at 1 waits for b: a 1->5 b 5->1
            c at 3 waits for b: b 1->3 c 1->3 slow 1->3
            c at 3 waits for b:
        "#]],
    );
}

#[test]
fn a_loop_is_refused_and_named() {
    let mut waits = Waits::default();
    add(&mut waits, "a", 1, &["b"]);
    add(&mut waits, "b", 1, &["c"]);
    add(&mut waits, "child", 1, &["holder"]);
    add(&mut waits, "holder", 1, &[]);
    waits.waits_for_key("k", &id("child")).unwrap();
    waits.holds("other", &id("holder")).unwrap();
    let before = waits.clone();
    let steps = [
        ("a waits for itself", waits.add(&id("a"), 1, &ids(&["a"]))),
        ("c waits for a", waits.add(&id("c"), 1, &ids(&["x", "a"]))),
        (
            "holder waits for its key",
            waits.waits_for_key("other", &id("holder")),
        ),
        (
            "holder waits for child",
            waits.add(&id("holder"), 1, &ids(&["child"])),
        ),
    ];
    check(
        &steps,
        expect![[r#"
            a waits for itself: it would wait for itself: a -> a
            c waits for a: it would wait for itself: c -> a -> b -> c
            holder waits for its key: it would wait for itself: holder -> key "other" -> holder
            holder waits for child: it would wait for itself: holder -> child -> holder
        "#]],
    );
    assert_eq!(waits, before);
    // Whoever waits for another one that waits for the key must not take it.
    add(&mut waits, "grandchild", 1, &["child"]);
    let refused = waits.holds("k", &id("grandchild")).unwrap_err().to_string();
    assert_eq!(
        refused,
        r#"it would wait for itself: key "k" -> grandchild -> child -> key "k""#
    );
}

#[test]
fn a_chain_has_at_most_sixteen_dependencies_from_whichever_end_it_grows() {
    let name = |at: usize| format!("t{at}");
    let down: Vec<usize> = (0..=CHAIN_MAX).collect();
    let up: Vec<usize> = down.iter().rev().copied().collect();
    let middle: Vec<usize> = down.iter().copied().filter(|at| *at != 8).chain([8]).collect();
    for order in [down, up, middle] {
        let mut waits = Waits::default();
        let (last, others) = order.split_last().unwrap();
        for at in others {
            add(&mut waits, &name(*at), 1, &[&name(at + 1)]);
        }
        let before = waits.clone();
        let task = id(&name(*last));
        let refused = waits.add(&task, 1, &ids(&[&name(last + 1)]));
        assert_eq!(refused, Err(WaitsError::TooDeep { task }));
        assert_eq!(waits, before);
    }
    let refused = WaitsError::TooDeep { task: id("t") }.to_string();
    assert_eq!(
        refused,
        "t would be part of a chain of more than 16 dependencies; make the chain shorter"
    );
}

/// There are 8 to the 15 ways through this lattice: to walk each would take days.
#[test]
fn what_is_waited_for_in_many_ways_is_looked_at_once() {
    let name = |layer: usize, at: usize| format!("l{layer}-{at}");
    let mut waits = Waits::default();
    for layer in 0..CHAIN_MAX {
        let parents: Vec<String> = (0..8)
            .filter(|_| layer > 0)
            .map(|at| name(layer - 1, at))
            .collect();
        let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
        for at in 0..8 {
            add(&mut waits, &name(layer, at), 9, &parents);
        }
    }
    let top = name(CHAIN_MAX - 1, 0);
    assert_eq!(
        add(&mut waits, "urgent", 1, &[&top]).len(),
        8 * (CHAIN_MAX - 1) + 1
    );
    assert_eq!(waits.ended(&id("urgent")).len(), 8 * (CHAIN_MAX - 1) + 1);
}
