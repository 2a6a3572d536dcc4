mod attach;
mod crash;
mod mailbox;
mod prekeys;
mod properties;
mod register;
mod send;
