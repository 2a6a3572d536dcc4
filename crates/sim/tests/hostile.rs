//! A server that lies: nothing surfaces that should not, nothing is lost without a word, nobody goes mad.

use std::collections::BTreeSet;

use waxwing_sim::hostile::Attack;
use waxwing_sim::{Plan, run_plan};

/// Seeds for each attack.
const SEEDS: u64 = 3;

fn survived(attack: Attack) {
    survived_all(&[attack]);
}

fn survived_all(attacks: &[Attack]) {
    let mut told = BTreeSet::new();
    for seed in 0..SEEDS {
        let outcome = run_plan(Plan::hostile(seed, attacks), None, false);
        assert_eq!(outcome.violations, [], "seed {seed}");
        told.extend(outcome.lies.into_keys());
    }
    assert!(attacks.iter().all(|attack| told.contains(attack)), "the server only lied so: {told:?}");
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
    survived(Attack::SwapCiphertexts);
}

#[test]
fn receipts_for_what_did_not_arrive() {
    survived(Attack::ForgeReceipts);
}

#[test]
fn all_lies_at_once() {
    survived_all(Attack::ALL);
}

/// A placeholder that a lying server had put elsewhere moves to where it belongs, on the sender's other devices too.
#[test]
fn a_placeholder_in_the_wrong_place_moves() {
    assert_eq!(run_plan(Plan::hostile(8, Attack::ALL), None, false).violations, []);
}

/// A placeholder that was there does not go and come again behind later ones.
#[test]
fn a_placeholder_does_not_come_again_elsewhere() {
    assert_eq!(run_plan(Plan::hostile(25, Attack::ALL), None, false).violations, []);
}

/// What a device had said before it heard of a refusal overtook what was refused with it.
#[test]
fn what_is_under_way_waits_for_what_was_refused_behind_something_else() {
    assert_eq!(run_plan(Plan::hostile(93, Attack::ALL), None, false).violations, []);
}

/// A linked device that was told of another identity, and then of the old one again, took what it was not given for older
/// than itself.
#[test]
fn a_device_with_another_identity_has_no_unseen_past() {
    assert_eq!(run_plan(Plan::hostile(111, Attack::ALL), None, false).violations, []);
}

/// What was kept for later comes to somebody who was put out of the group meanwhile, and is in again.
#[test]
fn what_is_kept_for_who_was_out_is_not_missed() {
    assert_eq!(run_plan(Plan::hostile(112, Attack::ALL), None, false).violations, []);
}
