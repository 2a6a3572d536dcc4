//! A database in memory, for tests and the simulator.
