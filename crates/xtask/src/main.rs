//! `cargo xtask`: the one tool of the house. It sets up, runs, tests, tidies and releases.

mod process;
mod release;
mod setup;
mod suite;
mod tidy;
mod up;
mod web;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Set up, run, test, tidy and release Waxwing"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring whatever is missing for building and testing
    Setup,
    /// Set up, build, start a server here and say how two people start talking
    Up {
        /// Address the server listens on
        #[arg(long, default_value = "127.0.0.1:7667")]
        listen: String,
        /// Directory the server keeps its store in
        #[arg(long, default_value = "./waxwing-data")]
        data_dir: PathBuf,
        /// Build with optimisations (the default)
        #[arg(long, conflicts_with = "debug")]
        release: bool,
        /// Build without optimisations: quicker to build, slower to run
        #[arg(long)]
        debug: bool,
    },
    /// Set up and run every check and every test
    Test {
        /// Run a tenth of the simulator's seeds; nothing else changes
        #[arg(long)]
        quick: bool,
    },
    /// Check what no compiler checks: arrows, manifests, licences, lengths
    Tidy,
    /// Build the web app, if it has changed, for the server to have in it
    Web,
    /// Build the binaries for others: a stripped tarball and its SHA-256
    Release,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Setup => setup::setup(setup::Purpose::Testing),
        // `--release` exists so that it can be said; it is what happens anyway.
        Task::Up { listen, data_dir, release: _, debug } => up::up(&up::Options { listen, data_dir, debug }),
        Task::Test { quick } => suite::test(quick),
        Task::Tidy => tidy::tidy(),
        Task::Web => web::web(),
        Task::Release => release::release(),
    }
}
