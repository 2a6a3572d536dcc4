//! A large group through real clients.

use waxwing_sim::{GroupPlan, Plan, Scenario, run_plan};

/// People in the group, by default.
const MEMBERS: usize = 96;

/// Everybody in it reads what a few write, and follows its changes, with all of them on one node.
/// `WAXWING_LARGE_GROUP=1024` runs the largest there may be.
#[test]
fn a_large_group_agrees_and_everybody_reads() {
    let members = std::env::var("WAXWING_LARGE_GROUP").ok().and_then(|text| text.parse().ok());
    let members = members.unwrap_or(MEMBERS);
    let mut plan = Plan::alone(1);
    plan.scenario = Scenario::Calm;
    plan.nodes = 1;
    plan.clients = members;
    plan.noise = false;
    plan.messages = 0;
    plan.rates = Vec::new();
    plan.settings = waxwing_server::Settings::default();
    plan.groups = vec![GroupPlan {
        maker: 0,
        members: (1..members).collect(),
        community: false,
        messages: 6,
        changes: 3,
    }];
    let outcome = run_plan(plan, None, false);
    assert_eq!(outcome.violations, []);
}
