use bytes::Bytes;

use crate::item::Reference;
use crate::store::{Store, StoreError};

/// Puts what entries refer to in their place: a page that [`Store::read_mailbox`] gave becomes one that can be
/// handed to [`crate::Links::page`]. Stops after the entry that reaches `max_bytes`, as the page would have if
/// the entries were stored whole; what is left out is read again.
///
/// A blob that is gone becomes an envelope without ciphertext, whose reader asks the sender for it.
///
/// # Errors
/// When the engine fails.
pub fn resolve<S: Store + ?Sized>(
    store: &S,
    page: Vec<(u64, Bytes)>,
    max_bytes: usize,
) -> Result<Vec<(u64, Bytes)>, StoreError> {
    let mut resolved = Vec::with_capacity(page.len());
    let mut bytes = 0;
    for (seq, item) in page {
        let item = match Reference::read(&item) {
            Some(reference) => whole(store, &reference)?,
            None => item,
        };
        bytes += item.len();
        resolved.push((seq, item));
        if bytes >= max_bytes {
            break;
        }
    }
    Ok(resolved)
}

fn whole<S: Store + ?Sized>(store: &S, reference: &Reference) -> Result<Bytes, StoreError> {
    let blob = store.blob(reference.blob)?;
    Ok(blob.map_or_else(|| reference.without_ciphertext(), |blob| blob.item))
}

#[cfg(test)]
mod tests;
