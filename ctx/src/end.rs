//! How and when a scope ended, as it is kept: two words, so that a scope has room for it.
//!
//! 1. An end never changes, and its copies say the same.
//! 2. The end by a call without a cause, or by a drop, allocates nothing (rule S1), and copying it touches no
//!    shared memory. Who is told of it gets a copy of his own, and where he noticed it, behind one word (`Cancelled`).

use crate::{
    error::{Cause, Trigger},
    stamp::Stamp,
};
use std::{
    panic::{Location, RefUnwindSafe, UnwindSafe},
    sync::Arc,
    time::Duration,
};

#[derive(Clone)]
pub(crate) enum End {
    /// A call without a cause, or a drop.
    Plain {
        at: &'static Location<'static>,
        /// When, and whether it was a drop.
        when: i64,
    },
    Full(Arc<Story>),
}

// A cause is a stranger's, but an end shows it to who asks, and changes nothing in it.
impl UnwindSafe for End {}
impl RefUnwindSafe for End {}

/// All there is to tell about an end.
pub(crate) struct Story {
    pub(crate) trigger: Trigger,
    pub(crate) at: &'static Location<'static>,
    /// The timeout as it was asked for; `None` for a deadline given as an instant, and for no deadline.
    pub(crate) after: Option<Duration>,
    pub(crate) cause: Option<Cause>,
    /// When it happened: the instant of the call, or the deadline itself, however late it was noticed.
    pub(crate) when: Stamp,
}

const _: () = assert!(size_of::<End>() == 16);

impl End {
    /// The end by a call.
    pub(crate) fn called(
        at: &'static Location<'static>,
        cause: Option<Cause>,
        when: Stamp,
    ) -> Self {
        if cause.is_none() {
            let when = when.with_bit(false);
            return Self::Plain { at, when };
        }
        Self::told(Story {
            trigger: Trigger::Call,
            at,
            after: None,
            cause,
            when,
        })
    }

    /// The end by the drop of the scope made at `at`.
    pub(crate) fn dropped(at: &'static Location<'static>, when: Stamp) -> Self {
        let when = when.with_bit(true);
        Self::Plain { at, when }
    }

    pub(crate) fn told(story: Story) -> Self {
        Self::Full(Arc::new(story))
    }

    pub(crate) fn when(&self) -> Stamp {
        match self {
            Self::Plain { when, .. } => Stamp::and_bit(*when).0,
            Self::Full(story) => story.when,
        }
    }

    pub(crate) fn trigger(&self) -> Trigger {
        match self {
            Self::Plain { when, .. } if Stamp::and_bit(*when).1 => Trigger::Dropped,
            Self::Plain { .. } => Trigger::Call,
            Self::Full(story) => story.trigger,
        }
    }

    pub(crate) fn at(&self) -> &'static Location<'static> {
        match self {
            Self::Plain { at, .. } => at,
            Self::Full(story) => story.at,
        }
    }

    /// What only a longer story has.
    pub(crate) fn story(&self) -> Option<&Story> {
        match self {
            Self::Plain { .. } => None,
            Self::Full(story) => Some(story),
        }
    }
}
