//! The oracle can fail: each deliberate fault is seen within a few seeds, as what it is.

use waxwing_sim::hostile::Attack;
use waxwing_sim::{Mutant, Plan, run_plan};

/// Seeds within which a mutant must be caught.
const SEEDS: u64 = 12;

fn caught(mutant: Mutant, invariants: &[&str]) {
    let run = |seed| run_plan(Plan::alone(seed), Some(mutant), false);
    let first = (0..SEEDS).find_map(|seed| run(seed).violations.into_iter().next());
    let seen = first.as_ref().map(|violation| violation.invariant);
    assert!(seen.is_some_and(|seen| invariants.contains(&seen)), "{mutant:?} was seen as {first:?}");
}

#[test]
fn a_server_that_answers_before_it_commits() {
    caught(Mutant::SpeakBeforeCommit, &["1"]);
}

#[test]
fn a_store_that_forgets_its_last_commits() {
    caught(Mutant::NoFlush, &["1", "3", "10"]);
}

#[test]
fn a_store_that_compares_no_versions() {
    caught(Mutant::NoVersions, &["1", "3", "9", "10"]);
}

#[test]
fn prekeys_that_are_handed_out_and_kept() {
    caught(Mutant::PrekeysStay, &["9"]);
}

#[test]
fn a_server_without_receipts() {
    caught(Mutant::NoReceipts, &["liveness"]);
}

#[test]
fn a_server_that_deletes_what_it_has_sent() {
    caught(Mutant::TrimOnDelivery, &["4"]);
}

#[test]
fn a_server_that_reorders_a_frame() {
    caught(Mutant::SwapSends, &["3"]);
}

#[test]
fn mailboxes_without_a_bound() {
    caught(Mutant::NoLimits, &["10"]);
}

#[test]
fn a_client_that_speaks_before_it_commits() {
    caught(Mutant::ClientSpeaksFirst, &["4", "6"]);
}

#[test]
fn sessions_that_are_not_stored() {
    caught(Mutant::SessionsForgotten, &["6", "liveness"]);
}

#[test]
fn a_client_that_does_not_know_what_has_surfaced() {
    caught(Mutant::SeenForgotten, &["2"]);
}

#[test]
fn texts_that_are_altered() {
    caught(Mutant::TextAltered, &["5"]);
}

#[test]
fn texts_in_the_clear() {
    caught(Mutant::TextInTheClear, &["7"]);
}

#[test]
fn timers_that_do_not_work() {
    caught(Mutant::NoTimers, &["liveness"]);
}

#[test]
fn an_outbox_that_is_not_stored() {
    caught(Mutant::OutboxForgotten, &["liveness", "client"]);
}

/// Seeds of worlds with several devices and groups within which a mutant must be caught.
const COMPANIES: u64 = 120;

fn caught_in_company(mutant: Mutant, invariants: &[&str]) {
    let mut plans = (0..COMPANIES).map(Plan::in_company).filter(|plan| !plan.is_hostile());
    let seen = |plan: Plan| {
        // What worlds in company still complain of without a mutant is not what is looked for.
        let mine = run_plan(plan.clone(), None, false).violations.is_empty();
        let violations = run_plan(plan, Some(mutant), false).violations;
        mine && violations.iter().any(|violation| invariants.contains(&violation.invariant))
    };
    assert!(plans.any(seen), "{mutant:?} was not seen");
}

#[test]
fn a_server_that_fans_out_to_nobody() {
    caught_in_company(Mutant::FanOutToNobody, &["1"]);
}

#[test]
fn references_that_are_given_back_twice() {
    caught_in_company(Mutant::ReleasedTwice, &["11"]);
}

#[test]
fn members_who_go_and_stay() {
    caught_in_company(Mutant::MembersStay, &["agreement"]);
}

#[test]
fn settings_that_keep_what_came_last() {
    caught_in_company(Mutant::LastToArrive, &["liveness"]);
}

#[test]
fn groups_that_are_not_stored() {
    caught_in_company(Mutant::GroupsForgotten, &["6", "liveness", "commands", "8"]);
}

#[test]
fn devices_that_are_removed_and_kept() {
    caught_in_company(Mutant::RemovedKept, &["8"]);
}

/// In one of these worlds the mutant breaks this invariant before any other.
fn caught_first(mutant: Mutant, plans: impl Iterator<Item = Plan>, invariant: &str) {
    let seen = |plan: Plan| {
        let violations = run_plan(plan, Some(mutant), false).violations;
        violations.first().is_some_and(|violation| violation.invariant == invariant)
    };
    let mut plans = plans.filter(|plan| !plan.is_hostile());
    assert!(plans.any(seen), "{mutant:?} was not seen");
}

fn caught_in_passing(mutant: Mutant) {
    caught_first(mutant, (0..COMPANIES).map(Plan::with_light), "light");
}

#[test]
fn light_events_that_are_stored() {
    caught_in_passing(Mutant::LightStored);
}

#[test]
fn light_events_that_go_to_those_who_are_no_members() {
    caught_in_passing(Mutant::LightToAll);
}

#[test]
fn sender_keys_that_outlive_a_member() {
    caught_in_company(Mutant::KeyKept, &["8"]);
}

/// Seeds of worlds with messages of every kind within which a mutant must be caught.
const LIVES: u64 = 40;

fn caught_living(mutant: Mutant, invariant: &str) {
    caught_first(mutant, (0..LIVES).map(Plan::with_lives).filter(|plan| plan.lives > 0), invariant);
}

#[test]
fn messages_that_never_disappear() {
    caught_living(Mutant::NothingDisappears, "liveness");
}

#[test]
fn what_was_seen_once_and_can_be_seen_again_on_another_device() {
    caught_living(Mutant::OpenedHere, "liveness");
}

#[test]
fn what_was_kept_by_one_and_disappears_for_others() {
    caught_living(Mutant::KeptHere, "liveness");
}

#[test]
fn edits_that_are_not_taken_from_others() {
    caught_living(Mutant::EditedHere, "liveness");
}

#[test]
fn edits_and_deletions_after_their_time() {
    caught_living(Mutant::NothingTooLate, "5");
}

#[test]
fn what_is_shown_to_those_for_whom_it_is_not() {
    caught_first(Mutant::EverybodySees, (0..LIVES).map(Plan::with_circles), "8");
}

#[test]
fn looks_of_which_nobody_hears() {
    caught_first(Mutant::LooksUnheard, (0..LIVES).map(Plan::with_circles), "liveness");
}

#[test]
fn files_that_are_collected_while_a_message_waits() {
    let seen = |mutant| {
        (0..COMPANIES).map(Plan::with_files).filter(|plan| !plan.leaps.is_empty()).find_map(|plan| {
            run_plan(plan, mutant, false).violations.into_iter().find(|found| found.invariant == "11")
        })
    };
    assert!(seen(Some(Mutant::FilesUnnoted)).is_some(), "it was not seen");
}

/// What is refused for now, and what comes behind it, stays in order.
#[test]
fn what_was_refused_and_is_overtaken() {
    for seed in [33, 34] {
        let run = |mutant| run_plan(Plan::with_deeds(seed), mutant, false).violations;
        assert_eq!(run(None), [], "seed {seed}");
        let seen = run(Some(Mutant::Overtaken));
        assert!(seen.iter().any(|violation| violation.invariant == "3"), "seed {seed}: seen as {seen:?}");
    }
}

/// A lying server adds a device, which a client that checks no signature encrypts for.
#[test]
fn lists_that_nobody_signed() {
    let seen = (0..6).find_map(|seed| {
        let plan = Plan::hostile(seed, &[Attack::AddDevice]);
        let violations = run_plan(plan, Some(Mutant::UnsignedLists), false).violations;
        violations.into_iter().find(|violation| violation.invariant == "8")
    });
    assert!(seen.is_some(), "it was not seen");
}
