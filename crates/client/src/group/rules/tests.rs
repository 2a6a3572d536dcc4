use proptest::prelude::*;
use waxwing_wire::group::{GroupId, GroupToken};
use waxwing_wire::{DeviceAddress, DeviceId};

use super::*;

const GROUP: GroupId = GroupId([7; 16]);

fn account(number: u8) -> AccountId {
    AccountId([number; 16])
}

fn member(number: u8) -> Member {
    Member { account: account(number), admin: false }
}

fn next(state: Option<&GroupState>, by: u8, actions: Vec<Action>) -> Change {
    Change {
        group: GROUP,
        epoch: state.map_or(1, |state| state.epoch + 1),
        previous: state.map(GroupState::hash),
        by: DeviceAddress { account: account(by), device: DeviceId::PRIMARY },
        at_ms: 0,
        actions,
    }
}

/// Made by 1, with 2 to 5.
fn group(kind: GroupKind) -> GroupState {
    let mut actions = vec![Action::Create { name: "hikers".into(), kind }];
    actions.extend((2..=5).map(|number| Action::Add(member(number))));
    apply(None, &next(None, 1, actions)).unwrap()
}

fn by(state: &GroupState, by: u8, action: Action) -> Result<GroupState, Invalid> {
    apply(Some(state), &next(Some(state), by, vec![action]))
}

fn admins(state: &GroupState) -> Vec<AccountId> {
    state.members.iter().filter(|member| member.admin).map(|member| member.account).collect()
}

#[test]
fn the_maker_is_the_first_admin_and_members_ascend() {
    let state = group(GroupKind::Group);
    assert_eq!(admins(&state), [account(1)]);
    assert!(state.members.is_sorted_by_key(|member| member.account));
    assert_eq!((state.epoch, state.previous), (1, None));
    assert_eq!(GroupState::decode(&state.encode()).unwrap().hash(), state.hash());
}

#[test]
fn a_group_is_made_once_and_first() {
    let create = || Action::Create { name: "hikers".into(), kind: GroupKind::Group };
    let state = group(GroupKind::Group);
    assert!(by(&state, 1, create()) == Err(Invalid::Senseless));
    assert!(apply(None, &next(None, 1, vec![Action::Add(member(2)), create()])) == Err(Invalid::NotNext));
    assert!(apply(None, &next(None, 1, Vec::new())) == Err(Invalid::NotNext));
    let blank = Action::Create { name: "  ".into(), kind: GroupKind::Group };
    assert!(apply(None, &next(None, 1, vec![blank])) == Err(Invalid::Senseless));
    let late = Change { epoch: 2, ..next(None, 1, vec![create()]) };
    assert!(apply(None, &late) == Err(Invalid::NotNext));
}

#[test]
fn only_the_next_change_counts() {
    let state = group(GroupKind::Group);
    let change = next(Some(&state), 1, vec![Action::Name("walkers".into())]);
    let after = apply(Some(&state), &change).unwrap();
    assert!(apply(Some(&after), &change) == Err(Invalid::NotNext), "replayed");
    let other = Change { previous: Some([1; 32]), ..change.clone() };
    assert!(apply(Some(&state), &other) == Err(Invalid::NotNext));
    let elsewhere = Change { group: GroupId([8; 16]), ..change };
    assert!(apply(Some(&state), &elsewhere) == Err(Invalid::NotNext));
}

#[test]
fn what_members_may_do_follows_the_permissions() {
    let open = group(GroupKind::Group);
    let closed =
        Permissions { send: Allowed::Admins, edit: Allowed::Admins, add: Allowed::Admins, approve: true };
    let closed = by(&open, 1, Action::Permissions(closed)).unwrap();
    let for_members = [
        Action::Name("walkers".into()),
        Action::Description("on Sundays".into()),
        Action::Picture(vec![1].into()),
        Action::Add(member(9)),
    ];
    for action in for_members {
        assert!(by(&open, 2, action.clone()).is_ok());
        assert!(by(&closed, 2, action.clone()) == Err(Invalid::NotAllowed));
        assert!(by(&closed, 1, action.clone()).is_ok());
        assert!(by(&open, 9, action) == Err(Invalid::NotMember));
    }
    let for_admins = [
        Action::Add(Member { account: account(9), admin: true }),
        Action::Remove(account(3)),
        Action::Promote(account(3)),
        Action::Demote(account(1)),
        Action::Permissions(Permissions::default()),
        Action::Link(Some(GroupToken([1; 16]))),
        Action::Community(Some(GroupId([9; 16]))),
    ];
    for action in for_admins {
        assert!(by(&open, 2, action.clone()) == Err(Invalid::NotAllowed));
        assert!(by(&open, 1, action).is_ok());
    }
    assert!(may_send(&open, account(2)) && !may_send(&closed, account(2)) && may_send(&closed, account(1)));
    assert!(!may_send(&open, account(9)));
}

#[test]
fn all_actions_count_or_none() {
    let state = group(GroupKind::Group);
    let change = next(Some(&state), 2, vec![Action::Name("ours".into()), Action::Promote(account(2))]);
    assert!(apply(Some(&state), &change) == Err(Invalid::NotAllowed));
    let skipped = skip(&state);
    assert_eq!((skipped.epoch, &skipped.name), (2, &state.name));
    assert_eq!(skipped.previous, Some(state.hash()));
    assert!(by(&skipped, 1, Action::Name("on".into())).is_ok(), "the next change follows it");
}

#[test]
fn who_has_left_may_do_nothing_more() {
    let state = group(GroupKind::Group);
    let change = next(Some(&state), 1, vec![Action::Remove(account(1)), Action::Promote(account(2))]);
    assert!(apply(Some(&state), &change) == Err(Invalid::NotMember));
}

#[test]
fn a_group_is_never_without_an_admin() {
    let state = group(GroupKind::Group);
    assert_eq!(successor(&state, account(1)), Some(account(2)));
    assert_eq!(successor(&state, account(4)), None);
    let left = by(&state, 1, Action::Remove(account(1))).unwrap();
    assert_eq!(admins(&left), [account(2)]);
    let named = [Action::Promote(account(2)), Action::Remove(account(1))];
    let named = apply(Some(&state), &next(Some(&state), 1, named.to_vec())).unwrap();
    assert!(named == left, "naming the successor makes the same state");
    let stepped_down = by(&state, 1, Action::Demote(account(1))).unwrap();
    assert_eq!(admins(&stepped_down), [account(1)], "the lowest, which is the same one");
    let mut rest = left;
    for number in 2..=5 {
        rest = by(&rest, number, Action::Remove(account(number))).unwrap();
    }
    assert!(rest.members.is_empty());
}

#[test]
fn senseless_actions_are_refused() {
    let state = group(GroupKind::Group);
    let long = |bytes| "x".repeat(bytes);
    let senseless = [
        Action::Add(member(2)),
        Action::Remove(account(9)),
        Action::Promote(account(1)),
        Action::Promote(account(9)),
        Action::Demote(account(2)),
        Action::Name(long(MAX_GROUP_NAME_BYTES + 1)),
        Action::Description(long(MAX_GROUP_DESCRIPTION_BYTES + 1)),
        Action::Picture(long(MAX_GROUP_PICTURE_BYTES + 1).into()),
        Action::UnlinkGroup(GroupId([1; 16])),
        Action::LinkGroup(LinkedGroup { group: GroupId([1; 16]), name: "a".into(), link: None }),
    ];
    for action in senseless {
        assert!(by(&state, 1, action) == Err(Invalid::Senseless));
    }
}

#[test]
fn a_community_lists_groups_and_only_admins_speak() {
    let mut state = group(GroupKind::Community);
    assert!(may_send(&state, account(1)) && !may_send(&state, account(2)));
    let linked = |number: u8, name: &str| {
        Action::LinkGroup(LinkedGroup { group: GroupId([number; 16]), name: name.into(), link: None })
    };
    assert!(by(&state, 2, linked(1, "a")) == Err(Invalid::NotAllowed));
    for number in (10..10 + MAX_LINKED_GROUPS as u8).rev() {
        state = by(&state, 1, linked(number, "a")).unwrap();
    }
    assert!(state.linked.is_sorted_by_key(|linked| linked.group));
    assert!(by(&state, 1, linked(1, "one too many")) == Err(Invalid::Full));
    state = by(&state, 1, linked(10, "another name")).unwrap();
    assert_eq!((state.linked.len(), state.linked[0].name.as_str()), (MAX_LINKED_GROUPS, "another name"));
    state = by(&state, 1, Action::UnlinkGroup(GroupId([10; 16]))).unwrap();
    assert_eq!(state.linked.len(), MAX_LINKED_GROUPS - 1);
    assert!(by(&state, 1, linked(7, "itself")) == Err(Invalid::Senseless));
    assert!(by(&state, 1, Action::Community(Some(GroupId([1; 16])))) == Err(Invalid::Senseless));
}

#[test]
fn a_group_has_at_most_so_many_members() {
    let numbered = |number: usize| {
        let mut bytes = [0xee; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Action::Add(Member { account: AccountId(bytes), admin: false })
    };
    let mut actions = vec![Action::Create { name: "many".into(), kind: GroupKind::Group }];
    actions.extend((1..MAX_GROUP_MEMBERS).map(numbered));
    let full = apply(None, &next(None, 1, actions.clone())).unwrap();
    assert_eq!(full.members.len(), MAX_GROUP_MEMBERS);
    assert!(by(&full, 1, numbered(MAX_GROUP_MEMBERS)) == Err(Invalid::Full));
    actions.push(numbered(MAX_GROUP_MEMBERS));
    assert!(apply(None, &next(None, 1, actions)) == Err(Invalid::Full));
}

/// Numbers that [`action`] makes an action of: actions have no `Debug`.
type Drawn = (u8, u8, bool);

fn action((kind, number, flag): Drawn) -> Action {
    let someone = account(number % 8 + 1);
    let allowed = |bit: u8| if number >> bit & 1 == 1 { Allowed::Admins } else { Allowed::Everybody };
    match kind % 12 {
        0..=2 => Action::Add(Member { account: someone, admin: flag }),
        3..=5 => Action::Remove(someone),
        6..=7 => Action::Promote(someone),
        8 => Action::Demote(someone),
        9 => Action::Name(if flag { String::new() } else { format!("name {number}") }),
        10 => Action::Permissions(Permissions {
            send: allowed(0),
            edit: allowed(1),
            add: allowed(2),
            approve: flag,
        }),
        _ => Action::Link(flag.then_some(GroupToken([number; 16]))),
    }
}

fn any_changes() -> impl Strategy<Value = Vec<(u8, Vec<Drawn>)>> {
    proptest::collection::vec((1..=8_u8, proptest::collection::vec(any::<Drawn>(), 0..4)), 0..40)
}

fn step(state: &GroupState, change: &Change) -> GroupState {
    apply(Some(state), change).unwrap_or_else(|_| skip(state))
}

proptest! {
    #[test]
    fn all_members_who_apply_the_same_changes_agree(changes in any_changes()) {
        let mut ours = group(GroupKind::Group);
        // What another device holds has been through its database at every step.
        let mut theirs = GroupState::decode(&ours.encode()).unwrap();
        for (by, actions) in changes {
            let change = next(Some(&ours), by, actions.into_iter().map(action).collect());
            let change = Change::decode(&change.encode()).unwrap();
            ours = step(&ours, &change);
            theirs = GroupState::decode(&step(&theirs, &change).encode()).unwrap();
            prop_assert_eq!(ours.hash(), theirs.hash());
            prop_assert!(ours.members.is_sorted_by(|a, b| a.account < b.account));
            prop_assert!(ours.members.len() <= MAX_GROUP_MEMBERS);
            prop_assert!(ours.members.is_empty() || ours.members.iter().any(|member| member.admin));
            prop_assert_eq!(ours.epoch, change.epoch);
        }
    }

    #[test]
    fn nobody_becomes_an_admin_but_by_one(changes in any_changes()) {
        let mut state = group(GroupKind::Group);
        for (by, actions) in changes {
            // Whoever is the only admin may leave, and so pass it on.
            let by_admin = state.member(account(by)).is_some_and(|member| member.admin);
            let before = admins(&state);
            state = step(&state, &next(Some(&state), by, actions.into_iter().map(action).collect()));
            if !by_admin {
                prop_assert!(admins(&state) == before);
            }
        }
    }
}
