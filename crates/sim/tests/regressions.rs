//! What the simulator has found, each as a scenario that fails without its remedy.

use waxwing_sim::fault::Fault;
use waxwing_sim::{Mutant, Outcome, Plan, Scenario, run_plan};

/// Two people on one server, and one kind of fault.
fn plan(seed: u64, fault: Fault, rate: u32) -> Plan {
    let mut plan = Plan::alone(seed);
    plan.scenario = Scenario::Mixed;
    plan.nodes = 1;
    plan.clients = 2;
    plan.noise = false;
    plan.settings = waxwing_server::Settings::default();
    plan.rates = vec![(fault, rate)];
    plan
}

fn passes(outcome: &Outcome) {
    assert_eq!(outcome.violations, [], "seed {}", outcome.seed);
}

/// A device says once what it has stored. When there was no room on the server's disk to write the receipts
/// just then, and both connections lasted, nobody ever said it again: the entry stayed in its mailbox and
/// its sender saw one tick. Whoever drives the server core repeats a settlement that failed.
#[test]
fn a_full_disk_does_not_leave_a_mailbox_unsettled_on_a_connection_that_lasts() {
    for (seed, rate) in [(42, 5), (172, 2)] {
        let mut plan = plan(seed, Fault::DiskFull, rate);
        (plan.messages, plan.chaos_ms, plan.max_delay_ms) = (12, 60_000, 400);
        passes(&run_plan(plan.clone(), None, false));
        let outcome = run_plan(plan, Some(Mutant::SettledOnce), false);
        let found = outcome.violations.first().map(|violation| violation.invariant);
        assert_eq!(found, Some("liveness"), "seed {seed} does not show it any more: look for another");
    }
}

/// A fault of the oracle: a database from when a message was a placeholder has it filled once more. That takes
/// up to an hour, because the older copy has just asked for it.
#[test]
fn a_placeholder_that_a_rollback_brings_back_may_be_filled_again() {
    passes(&run_plan(Plan::alone(40_379), None, false));
}

/// A fault of the oracle: after a clock went back, a dead connection is noticed one keep-alive later.
#[test]
fn a_clock_that_went_back_costs_one_keep_alive() {
    passes(&run_plan(Plan::alone(40_799), None, false));
}

/// A message to a group was waited for by members whose key for it came before the group itself, and was not
/// sent to them again because they had asked before its sender heard that the server has it.
#[test]
fn what_a_member_cannot_read_at_once_is_read_in_the_end() {
    for seed in [37, 215] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// A message to a group overtook one that was under way for an earlier epoch (1016); a message whose receipt
/// had come failed, because its repetition was refused (1167); a refused approval took the history, settings
/// included, from the device that had been approved before under the same number (411, 1012); an older copy of a
/// member asked somebody who had left, and got no answer (1040).
#[test]
fn companies_agree_in_the_end() {
    for seed in [1016, 1167, 411, 1012, 1040] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// Whoever asked for a message to a group as if it were one to an account brought down a device in whose outbox it
/// still was.
#[test]
fn a_question_about_the_wrong_kind_of_message_harms_nobody() {
    passes(&run_plan(Plan::in_company(1668), None, false));
}

/// Placeholders hid that earlier messages were missing (228), and so did a member's leaving and coming back (168);
/// what was held for the word of its account stayed so when its session was renewed (185, 992, 1606); what the first
/// device of an account wrote while another was completing its link was told to it by nobody (311, 1132); a message
/// written before any change that its sender saw was sent again as if after it (523).
#[test]
fn nothing_is_missing_unsaid_or_waited_for_in_vain() {
    for seed in [168, 185, 992, 1606, 311, 1132, 523] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// A device changed a group and was removed from its account: who heard of the change after that could not read it, did
/// not know that the group had gone on, and asked nobody (1477); and the group's only admin believed nobody (1419).
#[test]
fn what_a_removed_device_has_changed_is_told_by_others() {
    for seed in [1477, 1419] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// An older copy was not noticed: of what it had sent under its last lease something had been refused, and that hid what
/// the copy had forgotten, while the server counted only what it accepted. Keys of a chain were used twice.
#[test]
fn what_was_refused_hides_no_older_copy() {
    passes(&run_plan(Plan::in_company(2316), None, false));
}

/// Faults of the oracle. A device had a message, its word of it was lost on the way, and the server said that it had
/// expired (228); who was put out of a group before the fan-out of a message was gone on with goes without it (56); an
/// older copy does not know in which group it had asked for what comes over a session, and shows it anew there (98);
/// of placeholders the first that is filled says how many are missing, whichever it is (1216); what a device that was
/// removed since had read is not known to everybody (1967); the only device that knew a change of a group went back
/// before it, and what told the others expired (446).
#[test]
fn what_expired_was_put_out_or_is_asked_for_again_is_no_loss() {
    for seed in [228, 56, 98, 1216, 1967, 446] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// Receipts for a message to a group came before the server's own word that it has taken it, which was lost, and its
/// sender was put out of the group meanwhile: it counted with those who were members by then.
#[test]
fn a_message_of_which_only_receipts_tell_counts_with_the_members_it_was_written_to() {
    for seed in [476, 515] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// Faults of the oracle: the last member leaves a group, which makes one more epoch of it, although the server
/// keeps nothing (1241); an older copy of a device writes to a group anew what its other life had written in an
/// earlier epoch (1318). And a message that somebody had already was repeated to those who had joined since (643).
#[test]
fn epochs_are_counted_to_the_last_and_what_was_taken_is_not_repeated() {
    for seed in [1241, 1318, 643] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// A primary that had not heard yet that the device it had approved was there told it nothing and kept no ticks
/// for what it wrote (131, 746, 1242); who read a message after being put out of its group was not believed
/// (1632); of the ticks that came before the group itself, only the first counted (465).
#[test]
fn devices_of_an_account_show_the_same_ticks() {
    for seed in [131, 746, 1242, 1632, 465] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// Two changes that wanted the same at the same time had the same name, and one command was not answered (1208);
/// somebody who lacked a change from before being put out asked for ever (300); a key that was on its way again
/// when a program ended was waited for by the next (1076).
#[test]
fn what_was_asked_of_a_group_has_an_answer() {
    for seed in [1208, 1684, 300, 1076] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// Faults of the oracle: a fan-out that was cut goes on without who was put out meanwhile (1342, 486); a device
/// that was linked and died before it could say so has an account (986); one that logs itself out is gone when
/// the server has done it, not when it asks (1682); what a device had read that is gone, the others need not know
/// (492); a server that has forgotten a group knows nothing of its messages (1517).
#[test]
fn nobody_is_owed_what_nobody_was_promised() {
    for seed in [1342, 486, 986, 1682, 492, 1517] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// A message that was refused because its account had another device by then was overtaken by a later one, which
/// knew the device (1055); what a device had asked for before its account left the group was refused when it came
/// (1131). And a fault of the oracle: who comes back to a group cannot tell what was lost before from what was
/// written meanwhile (1190).
#[test]
fn what_was_under_way_when_devices_or_members_changed_arrives_in_order() {
    for seed in [1055, 1131, 1190] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// A device that was new in a group, or had forgotten it, began with its state alone, and took what somebody had
/// written who had left since for a stranger's (1118, 937). What a device had set last that logged itself out came
/// to one sibling and not to the other (712). Who held a message only as lost marked it read on the devices that
/// had it, and nobody told its sender (1909).
#[test]
fn what_is_known_on_one_device_is_known_on_all() {
    for seed in [1118, 937, 712, 1909] {
        passes(&run_plan(Plan::in_company(seed), None, false));
    }
}

/// Whoever cleared a conversation on one device did away, on another, with the placeholder of a message that was not
/// meant, since nobody knew yet when it was sent.
#[test]
fn clearing_takes_no_message_that_is_waited_for() {
    passes(&run_plan(Plan::in_company(3146), None, false));
}

/// A message for who was put out of a group and is in again came before the word of that, and was refused without
/// a trace (667); what was refused while devices changed was overtaken (410). And faults of the oracle: what a device
/// did about messages that is gone now (303), what an older copy hears again of its siblings, behind the gap (555).
#[test]
fn what_is_done_about_messages_is_known_to_all() {
    for seed in [667, 303, 410, 555] {
        passes(&run_plan(Plan::with_deeds(seed), None, false));
    }
}

/// An older copy's placeholder that its user had cleared came again (22), and what a process died of before it could
/// store it was taken for known to another (118): both faults of the oracle. Word of what a user had seen on one
/// device expired before it came to another (857).
#[test]
fn what_nobody_can_know_is_not_asked_for() {
    for seed in [22, 118, 857] {
        passes(&run_plan(Plan::with_deeds(seed), None, false));
    }
}

/// What a user did in a group after asking to leave it was shown on the device where it was done, and nowhere else.
#[test]
fn who_is_leaving_a_group_does_nothing_more_there() {
    passes(&run_plan(Plan::with_deeds(964), None, false));
    passes(&run_plan(Plan::with_lives(662), None, false));
}

/// What was kept while a device slept or was away disappeared there, and what was left of a deleted message stayed.
/// What comes again when it is over (15), and what is missing before something that is over (330, 406, 445), is shown
/// to nobody.
#[test]
fn what_disappears_is_gone_everywhere_and_what_is_kept_is_not() {
    for seed in [4, 7, 15, 330, 406, 445] {
        passes(&run_plan(Plan::with_lives(seed), None, false));
    }
}

/// What a device did that had just been linked could not be read, and it was not asked, since nobody had heard of it
/// yet. And faults of the oracle: one whom only a device could have told that is an older copy (166), a message that
/// had been read and is written once more to who has joined since (1515), what a server brings again that went down
/// before it knew that everybody had it, when it is over (958).
#[test]
fn who_was_just_linked_is_asked_for_what_cannot_be_read() {
    for seed in [638, 166, 1515] {
        passes(&run_plan(Plan::with_deeds(seed), None, false));
    }
    passes(&run_plan(Plan::with_lives(958), None, false));
}

/// An edit that the server took for nobody, since its maker was put out of the group meanwhile, is taken back (68).
/// And a fault of the oracle: what its sender took away before it was sent is missing, even for one who has cleared
/// the conversation since (1247).
#[test]
fn what_the_server_takes_for_nobody_is_taken_back() {
    for seed in [68, 1247] {
        passes(&run_plan(Plan::with_lives(seed), None, false));
    }
}

/// A fault of the oracle: whoever was put out of a group has forgotten how far it had come, and is not told of what had
/// been missing before (461).
#[test]
fn who_was_put_out_misses_nothing_more() {
    passes(&run_plan(Plan::new(461), None, false));
}

/// A device that never got any key of another before they expired was not told of what had been written until then
/// (377). And a fault of the oracle: what is missing behind a placeholder is told when what comes after it is there
/// (604).
#[test]
fn who_lost_every_key_is_told_what_was_lost_with_them() {
    for seed in [377, 604] {
        passes(&run_plan(Plan::with_deeds(seed), None, false));
    }
}

/// The server took a group that was just made, and its maker never heard of it: other devices of the account had, and
/// so its members were not told (1634). And whoever is refused as a new device, because it was taken in and removed
/// before it heard of either, offers itself with other prekeys (1342).
#[test]
fn an_answer_that_was_lost_leaves_nothing_half_done() {
    for seed in [1634, 1342] {
        passes(&run_plan(Plan::with_lives(seed), None, false));
    }
}

/// A device that was removed kept what had disappeared, and waited for word that somebody had kept it.
#[test]
fn what_is_over_goes_from_removed_devices_too() {
    for seed in [8, 18] {
        passes(&run_plan(Plan::with_circles(seed), None, false));
    }
}

/// A device that had just been linked asked a member for a message to a group, and was not answered before an hour had
/// passed, since the member did not know of it yet (1288). And faults of the oracle: who was put out is told no more who
/// was a member (883), what expired for one device need not be on both (669), and people know accounts of which the
/// oracle has not heard (716).
#[test]
fn who_has_just_been_linked_is_answered() {
    for seed in [1288, 883, 669, 716] {
        passes(&run_plan(Plan::with_circles(seed), None, false));
    }
}

/// A message to a group was to be sent again to a device of which its sender had not heard yet, and which it was going to
/// ask about: after a restart it was not, and gave it up (1055).
#[test]
fn who_is_to_be_asked_about_is_so_after_a_restart() {
    passes(&run_plan(Plan::with_lives(1055), None, false));
}
