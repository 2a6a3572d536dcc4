//! A list whose members are named by their number for as long as the world stands.

use std::ops::{Index, IndexMut};

/// Nodes of one kind. Indexing with a number that was never given out is a bug of the simulator.
pub struct Numbered<T>(Vec<T>);

impl<T> Numbered<T> {
    /// These.
    pub fn new(list: Vec<T>) -> Self {
        Self(list)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T> Index<usize> for Numbered<T> {
    type Output = T;

    fn index(&self, number: usize) -> &T {
        self.0.get(number).expect("numbers come from the list's own range")
    }
}

impl<T> IndexMut<usize> for Numbered<T> {
    fn index_mut(&mut self, number: usize) -> &mut T {
        self.0.get_mut(number).expect("numbers come from the list's own range")
    }
}
