//! A growing list whose first element needs no allocation.
//!
//! Most of what is collected here has one element or none, and is to allocate nothing.
//! Invariant: `rest` is empty while `first` is.

pub(crate) struct Few<T> {
    first: Option<T>,
    rest: Vec<T>,
}

/// Below this many elements the room is kept for the next ones.
const KEEP: usize = 32;

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Few<T> {
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            rest: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn push(&mut self, value: T) {
        if self.first.is_none() {
            self.first = Some(value);
        } else {
            self.rest.push(value);
        }
    }

    pub(crate) fn extend(&mut self, values: impl IntoIterator<Item = T>) {
        values.into_iter().for_each(|value| self.push(value));
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.rest.is_empty() {
            return self.first.take();
        }
        let last = self.rest.pop();
        // Giving back a half only at a quarter keeps this linear in the number of pushes.
        if self.rest.capacity() > KEEP && self.rest.len() < self.rest.capacity() / 4 {
            self.rest.shrink_to(self.rest.capacity() / 2);
        }
        last
    }

    /// Everything, in the order in which it was pushed.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.first
            .take()
            .into_iter()
            .chain(std::mem::take(&mut self.rest))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_stack() {
        let mut few = Few::new();
        assert!(few.is_empty());
        (0..100).for_each(|n| few.push(n));
        assert!(few.iter().copied().eq(0..100));
        assert!((0..100).rev().all(|n| few.pop() == Some(n)));
        assert_eq!((few.pop(), few.is_empty()), (None, true));
    }

    #[test]
    fn it_gives_its_room_back() {
        let mut few = Few::new();
        (0..10_000).for_each(|n| few.push(n));
        while few.pop().is_some() {}
        assert!(few.rest.capacity() <= KEEP * 2);
    }
}
