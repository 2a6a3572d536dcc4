use super::Recent;

#[test]
fn forgets_what_was_not_used_and_stays_within_its_bound() {
    let mut recent = Recent::new(100);
    recent.insert(0, 'a', 1);
    for key in 1..1_000 {
        recent.insert(key, 'b', 1);
        assert_eq!(recent.get(&0), Some(&'a'));
        assert!(recent.young.len() + recent.old.len() <= 100);
        assert_eq!(recent.young_weight, recent.young.values().map(|(_, weight)| weight).sum::<usize>());
    }
    assert_eq!(recent.get(&1), None);
}

#[test]
fn gives_the_last_value_and_nothing_after_removal() {
    let mut recent = Recent::new(4);
    recent.insert(1, 'a', 1);
    recent.insert(2, 'x', 1);
    recent.insert(3, 'x', 1); // 1 is in the old generation now
    recent.insert(1, 'b', 1);
    assert_eq!(recent.get(&1), Some(&'b'));
    recent.remove(&1);
    assert_eq!(recent.get(&1), None);
    recent.insert(4, 'c', 3); // heavier than a generation: not kept, and nothing stale either
    assert_eq!(recent.get(&4), None);
}
