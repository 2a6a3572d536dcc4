//! A bounded memory of what was used lately.

use std::collections::HashMap;
use std::hash::Hash;

/// Keeps what was used lately, within a bound on the sum of weights.
///
/// Two generations: what is used moves to the young one; when the young one has half of the bound, the old
/// one is forgotten and the young one becomes old. No list to keep in order, no clock.
pub struct Recent<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_weight: usize,
    half: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub fn new(max_weight: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_weight: 0, half: max_weight / 2 }
    }

    pub fn get(&mut self, key: &K) -> Option<&V>
    where
        K: Clone,
    {
        if !self.young.contains_key(key) {
            let (value, weight) = self.old.remove(key)?;
            self.insert(key.clone(), value, weight);
        }
        self.young.get(key).map(|(value, _)| value)
    }

    pub fn insert(&mut self, key: K, value: V, weight: usize) {
        self.old.remove(&key);
        if self.young_weight + weight > self.half {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.young_weight = 0;
            self.old.remove(&key);
        }
        if weight <= self.half {
            self.young_weight += weight;
            if let Some((_, replaced)) = self.young.insert(key, (value, weight)) {
                self.young_weight -= replaced;
            }
        }
    }

    pub fn remove(&mut self, key: &K) {
        self.old.remove(key);
        if let Some((_, weight)) = self.young.remove(key) {
            self.young_weight -= weight;
        }
    }
}

#[cfg(test)]
mod tests;
