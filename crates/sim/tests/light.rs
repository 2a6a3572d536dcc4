//! Worlds in which people type, come and go, and are flooded: nothing of it is stored or shown to the wrong
//! people, and messages arrive as ever.

use waxwing_sim::{Plan, run_plan};

#[test]
fn who_types_and_who_is_there_changes_nothing_else() {
    for seed in 0..16 {
        let outcome = run_plan(Plan::with_light(seed), None, false);
        assert_eq!(outcome.violations, [], "seed {seed}");
    }
}
