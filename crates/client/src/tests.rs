//! Stories: two or three devices, a relay that only queues, and a clock that the story moves.

mod acts;
mod devices;
mod directory;
mod faults;
mod golden;
mod group_faults;
mod group_golden;
mod group_hostile;
mod group_random;
mod group_relay;
mod group_requests;
mod group_talk;
mod hostile;
mod light;
mod light_relay;
mod links;
mod parts;
mod profiles;
mod random;
mod random_devices;
mod relay;
mod renewal;
mod settings;
mod statuses;
mod talk;
mod world;
