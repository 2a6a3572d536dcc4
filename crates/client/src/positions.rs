//! Positions: each device counts its messages in a conversation, and so it is seen that some are missing.
//!
//! A placeholder stands for one that came and could not be read. Its position is not known, but the server
//! delivers in order: it lies before whatever came later and behind whatever came earlier.

use crate::limits::MAX_PLACEHOLDERS_COUNTED;

/// Remembers a placeholder by its order in the history.
pub(crate) fn wait(waiting: &mut Vec<u64>, order: u64) {
    waiting.push(order);
    waiting.drain(..waiting.len().saturating_sub(MAX_PLACEHOLDERS_COUNTED));
}

/// How many placeholders came before a message that stands in for one of them, or for none.
pub(crate) fn earlier(waiting: &[u64], filled: Option<u64>) -> u64 {
    waiting.iter().filter(|order| filled.is_none_or(|place| **order < place)).count() as u64
}

/// A message surfaces. Says how many are missing between the last one, at `last`, and it. `waiting`:
/// placeholders since then; `filled`: the order of the one that it fills.
pub(crate) fn pass(last: &mut u64, waiting: &mut Vec<u64>, position: u64, filled: Option<u64>) -> u64 {
    waiting.retain(|order| Some(*order) != filled);
    // A late one: it was missing when the one after it was shown.
    let Some(ahead) = position.checked_sub(*last).filter(|ahead| *ahead > 0) else { return 0 };
    let missing = (ahead - 1).saturating_sub(earlier(waiting, filled));
    waiting.retain(|order| filled.is_some_and(|place| *order > place));
    *last = position;
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_for_what_came_before_and_nothing_else() {
        let (mut last, mut waiting) = (2, vec![10, 11, 12]);
        // 3 never came; 4 is filled, 5 and 6 still stand behind it.
        assert_eq!(pass(&mut last, &mut waiting, 4, Some(10)), 1);
        assert_eq!((last, waiting.as_slice()), (4, &[11, 12][..]));
        assert_eq!(pass(&mut last, &mut waiting, 7, None), 0);
        // Late ones were accounted for.
        assert_eq!(pass(&mut last, &mut waiting, 5, Some(11)), 0);
        assert_eq!((last, waiting.len()), (7, 0));
        assert_eq!(pass(&mut last, &mut waiting, 9, None), 1);
    }

    #[test]
    fn a_placeholder_hides_no_later_gap() {
        let (mut last, mut waiting) = (2, vec![10]);
        assert_eq!(pass(&mut last, &mut waiting, 3, None), 0);
        assert_eq!(pass(&mut last, &mut waiting, 5, None), 1);
    }
}
