use super::MemoryStore;
use crate::conformance;
use crate::store::Store;

#[test]
fn conforms() {
    conformance::check(&mut || Box::new(MemoryStore::default()));
}

#[test]
fn conforms_after_opening_again() {
    let reopen = &mut |store: Box<dyn Store>| store;
    conformance::check_reopen(Box::new(MemoryStore::default()), reopen);
}
