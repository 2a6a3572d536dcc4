//! The same seed gives the same run, whatever runs beside it.

use waxwing_sim::run;

#[test]
fn a_seed_gives_the_same_trace_twice() {
    for seed in [3, 17] {
        assert_eq!(run(seed, None, false), run(seed, None, false));
    }
}

#[test]
fn a_seed_does_not_depend_on_its_neighbours() {
    let alone = run(5, None, false).hash;
    let beside = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(6, None, false).hash);
        let this = scope.spawn(|| run(5, None, false).hash);
        assert_ne!(other.join().unwrap(), alone);
        this.join().unwrap()
    });
    assert_eq!(alone, beside);
}
