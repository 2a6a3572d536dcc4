//! Code that prost generates from `proto/`. Private: the rest of the world sees the checked types.
#![allow(missing_docs, clippy::all)]

pub(crate) mod frame {
    include!(concat!(env!("OUT_DIR"), "/waxwing.frame.rs"));
}

pub(crate) mod devices {
    include!(concat!(env!("OUT_DIR"), "/waxwing.devices.rs"));
}

pub(crate) mod content {
    include!(concat!(env!("OUT_DIR"), "/waxwing.content.rs"));
}
