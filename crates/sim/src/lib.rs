//! A deterministic simulator over the real cores of client and server.
//!
//! A seed stands for a whole world: server nodes over one store, client devices with clocks that are wrong,
//! people who write to each other, connections that break, processes that die at the worst moment. The
//! drivers here do what the real shells do around the same cores. Everything happens in virtual time, in one
//! thread, from one seeded generator: the same seed gives the same trace, whose hash says so.
//!
//! A run has two phases. In the first, faults happen and the [`oracle`] checks what must never be. Then
//! everything heals, and the oracle checks what must be in the end.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what a seed stands for |
//! | [`world`] | the queue of events and what they happen to |
//! | [`node`], [`device`] | drivers of the server core and of the client core |
//! | [`net`], [`channel`], [`disk`] | connections and the store, with what can befall them |
//! | [`people`] | what users do |
//! | [`hostile`] | a server that lies |
//! | [`oracle`] | what must never be, and what must be in the end |
//! | [`mutant`] | deliberate faults, to prove that the oracle sees them |
//! | [`run`](mod@run) | one seed from beginning to end |

pub mod channel;
pub mod device;
pub mod dice;
pub mod disk;
pub mod event;
pub mod fault;
pub mod hostile;
pub mod mutant;
pub mod net;
pub mod node;
pub mod numbered;
pub mod oracle;
pub mod outgoing;
pub mod people;
pub mod plan;
pub mod run;
pub mod signal;
pub mod trace;
pub mod world;

pub use mutant::Mutant;
pub use plan::{GroupPlan, Plan, Scenario};
pub use run::{Outcome, run, run_plan};
