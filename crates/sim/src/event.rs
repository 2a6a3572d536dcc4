//! What stands in the queue of a world.

use waxwing_wire::devices::{LinkReference, SignedDeviceList};
use waxwing_wire::{Bytes, DeviceAddress};

use crate::fault::Fault;
use crate::net::Way;

/// Something that happens at a time.
pub enum Event {
    /// Look at what is under way on a connection.
    Pump {
        /// Which connection.
        link: u64,
        /// Which way.
        way: Way,
    },
    /// One end notices that a connection is broken.
    Broken {
        /// Which connection.
        link: u64,
        /// The way whose sender notices.
        way: Way,
    },
    /// A client's connection attempt ends.
    Dialled {
        /// Which client.
        client: usize,
        /// Which attempt.
        attempt: u64,
        /// With a connection to this node, or without.
        node: Option<usize>,
    },
    /// A client's timer.
    Wake {
        /// Which client.
        client: usize,
        /// Which timer; an older one does not count.
        timer: u64,
    },
    /// A client's process starts.
    ClientStart {
        /// Which client.
        client: usize,
        /// From which state on it was down.
        life: u64,
    },
    /// Somebody does something.
    Act {
        /// Which client.
        client: usize,
        /// What.
        act: Act,
    },
    /// A server node decides a group.
    Decide {
        /// Which node.
        node: usize,
        /// In which of its lives.
        life: u64,
    },
    /// A server node commits the group.
    Commit {
        /// Which node.
        node: usize,
        /// In which of its lives.
        life: u64,
    },
    /// Entries of a mailbox were read for a connection.
    Page {
        /// Which node.
        node: usize,
        /// In which of its lives.
        life: u64,
        /// Which mailbox.
        mailbox: DeviceAddress,
        /// For which connection.
        link: u64,
        /// The entries.
        entries: Vec<(u64, Bytes)>,
    },
    /// A server node starts.
    NodeStart {
        /// Which node.
        node: usize,
    },
    /// A server node's regular work.
    Sweep {
        /// Which node.
        node: usize,
        /// In which of its lives.
        life: u64,
    },
    /// Another node tells what it has committed.
    Notice {
        /// The node that is told.
        node: usize,
        /// What.
        told: Told,
    },
    /// Something goes wrong.
    Fault(Fault),
    /// Time passes in which nothing happens anywhere.
    Leap {
        /// Milliseconds.
        ms: u64,
    },
    /// The disk has room again.
    DiskFree,
    /// Faults end.
    Heal,
}

/// What server nodes tell each other.
#[derive(Clone)]
pub enum Told {
    /// A mailbox has another entry.
    Appended {
        /// Which mailbox.
        mailbox: DeviceAddress,
        /// The entry's place.
        seq: u64,
        /// The entry.
        item: Bytes,
    },
    /// An offer to link was approved.
    Linked {
        /// Where the offer waited.
        reference: LinkReference,
        /// The list that includes the new device.
        list: SignedDeviceList,
        /// What only the new device can read.
        sealed: Bytes,
    },
    /// A device was removed.
    Removed(DeviceAddress),
}

/// What people do.
#[derive(Debug, Clone)]
pub enum Act {
    /// Make an account.
    Register,
    /// Add a contact.
    Meet {
        /// The other person.
        peer: usize,
    },
    /// Write texts.
    Write {
        /// To whom.
        peer: usize,
        /// How many.
        count: u64,
        /// About how long, bytes.
        bytes: usize,
        /// How often it has been put off.
        tried: u32,
    },
    /// Read what there is from somebody.
    Read {
        /// Whose messages.
        peer: usize,
    },
    /// Take prekeys without any need, as a modified program might.
    Drain {
        /// Whose.
        peer: usize,
    },
    /// Go offline for a while.
    Away {
        /// Milliseconds.
        for_ms: u64,
    },
    /// Come back.
    Back,
    /// Offer this device to its owner's account.
    Link {
        /// How often it has been put off.
        tried: u32,
    },
    /// Approve the code that another device of the same person shows.
    Approve {
        /// The device that shows it.
        companion: usize,
    },
    /// Cut a device of the same person off.
    Unlink {
        /// Which.
        companion: usize,
        /// How often it has been put off.
        tried: u32,
    },
    /// Do something about a message: react, edit, delete it for everyone.
    Do {
        /// How often it has been put off.
        tried: u32,
    },
    /// Type, be there, look who is there.
    Light,
    /// Write a message of another kind than a text, or do something that only some kinds have done to them.
    Live {
        /// How often it has been put off.
        tried: u32,
    },
    /// Show something for a day, look at what others show, write to several at once.
    Circle {
        /// How often it has been put off.
        tried: u32,
    },
    /// Set something for oneself.
    Set {
        /// How often it has been put off.
        tried: u32,
    },
    /// Do something with a group.
    Group {
        /// Which of the plan's.
        group: usize,
        /// What.
        what: GroupAct,
        /// How often it has been put off.
        tried: u32,
    },
}

/// What people do with groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupAct {
    /// Make it.
    Make,
    /// Write a text, about so many bytes long.
    Write(usize),
    /// Read what there is.
    Read,
    /// Take somebody in.
    Add(usize),
    /// Put somebody out, or leave.
    Remove(usize),
    /// Make somebody an admin.
    Promote(usize),
    /// Make an admin a member.
    Demote(usize),
    /// Give it another name.
    Rename,
    /// Draw an invitation link.
    DrawLink,
    /// Ask to join by the link.
    Join,
    /// Let everybody in who asks.
    Answer,
    /// Send somebody the last messages.
    Share(usize),
    /// Link the group before it to it, which is a community.
    Adopt,
}
