//! A server that lies: nothing surfaces that should not, nothing is lost without a word, nobody goes mad.

use waxwing_sim::hostile::Attack;
use waxwing_sim::{Plan, run_plan};

/// Seeds for each attack.
const SEEDS: u64 = 3;

fn survived(attack: Attack) {
    survived_but(attack, &[]);
}

/// As [`survived`], but for invariants that are known not to hold yet.
fn survived_but(attack: Attack, open: &[&str]) {
    let mut lies = 0;
    for seed in 0..SEEDS {
        let mut outcome = run_plan(Plan::hostile(seed, &[attack]), None, false);
        outcome.violations.retain(|violation| !open.contains(&violation.invariant));
        assert_eq!(outcome.violations, [], "seed {seed}");
        lies += outcome.lies.get(&attack).copied().unwrap_or(0);
    }
    assert!(lies > 0, "the server never lied so");
}

#[test]
fn entries_that_are_delivered_again() {
    survived(Attack::Replay);
}

#[test]
fn entries_in_another_order() {
    survived(Attack::Reorder);
}

#[test]
fn envelopes_that_are_kept_back() {
    survived(Attack::Withhold);
}

#[test]
fn lists_that_nobody_signed_or_that_are_old() {
    survived(Attack::ForgeList);
}

#[test]
fn a_device_of_the_servers_own() {
    survived(Attack::AddDevice);
}

#[test]
fn a_member_of_the_servers_own() {
    survived(Attack::AddMember);
}

#[test]
fn prekeys_that_are_old_or_unsigned() {
    survived(Attack::OldPrekeys);
}

#[test]
fn ciphertexts_in_the_wrong_envelope() {
    // A message of a group that was passed off as somebody else's can be missing without a gap that says so.
    survived_but(Attack::SwapCiphertexts, &["3"]);
}

#[test]
fn receipts_for_what_did_not_arrive() {
    survived(Attack::ForgeReceipts);
}
