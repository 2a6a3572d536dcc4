//! What every store engine must pass.

use crate::store::Store;

/// Checks an engine. `make` gives a new, empty store each time.
///
/// # Panics
/// When the engine does not do what [`Store`] says.
pub fn check(_make: &mut dyn FnMut() -> Box<dyn Store>) {
    todo!()
}

/// Checks that what an engine has committed is there after it was closed and opened again.
///
/// # Panics
/// When it is not.
pub fn check_reopen(_store: Box<dyn Store>, _reopen: &mut dyn FnMut(Box<dyn Store>) -> Box<dyn Store>) {
    todo!()
}
