//! The part of a checkpoint that does not depend on the future it guards: when to start it, when to give
//! it up, and who keeps watch meanwhile.
//!
//! A checkpoint is in one of these states between two polls:
//!
//! ```text
//!   fresh       not started; it may have been polled, and stopped by the budget
//!   answered    pending; one inside keeps watch, as its answer in the latest poll said
//!   waiting     pending; its waker stands in the scope's list
//!   held        pending; a shield inside must end first, and will wake it
//!   over        ready, or given up; one that was ready is fresh for who awaits it once more
//! ```
//!
//! 1. It gives up only in a poll in which its future stayed pending, nobody answered and nobody holds it
//!    (rules C2, C3).
//! 2. Pending, it is answered, waiting or held, so that its end is noticed; or it cannot end (a shield) or
//!    will not (`between`), and then it holds those around it.
//! 3. Whatever leaves one of these states passes on its watch as `answer` demands (rule C8).
//! 4. One that had no frame of its own (see `frame`) and was answered has nothing to promise: who answered
//!    inside it has answered the one around it.
//! 5. Where the context ends between an answer and the end of the poll, an answer with the same waker is
//!    enough, since that waker was woken; with another waker the checkpoint wakes itself, to look again.

mod ask;

use crate::{
    answer,
    asking::Asking,
    context::Context,
    end::End,
    heard::{Bits, Heard, Relied},
    name::{Joins, Name},
    node::ScopeRef,
    promise::Watch,
    spare, top,
};
use std::{mem::ManuallyDrop, task::Context as TaskContext};

/// What a checkpoint does when its context ends while its future is pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// It drops the future and returns the error.
    Race,
    /// It lets the future run to its end, and holds every checkpoint around it.
    Between,
}

/// Whether a checkpoint's future may start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start {
    Goes,
    /// Not in this poll: the budget is used up.
    Waits,
    /// Never: the context has ended.
    Refused,
}

/// The state of one checkpoint.
pub struct Keeper {
    /// What it needs only where it waits itself, or has promised something. The keeper's own drop drops it, so
    /// that it is looked for once.
    pub(crate) watch: ManuallyDrop<Option<Box<Watch>>>,
    /// Its line, if it is bare: it has asked, may give up, has no watch and was not answered, so that it joins in the
    /// simplest way. Its name, if anybody inside has answered its frame, and so may look for it when it goes away. Nothing,
    /// if it has not asked yet. One that may be awaited once more keeps no line when it is over.
    joins: Joins,
    pub(crate) mode: Mode,
    started: bool,
    /// Whether others relied on an answer to its frame, and so may need it when this checkpoint is over.
    pub(crate) relied: Relied,
    /// Whether it is the state of all the awaits of a function, and so keeps its place in the list from one to the next.
    ///
    /// If there is a watch between two of them, it `is_just` a waker in the list, and nobody was promised anything, nor
    /// answered. The next one begins with nothing in `joins`.
    pub(crate) seated: bool,
}

/// Who has a checkpoint's context and its state.
pub trait Parts {
    /// The context whose end it waits for, and the state.
    fn parts(&mut self) -> (&Context, &mut Keeper);

    /// The future was ready, and nothing is to be seen to.
    #[inline]
    fn is_done(&mut self) {}

    /// The future was ready, and that was seen to.
    #[inline]
    fn is_delivered(&mut self) {}
}

impl Keeper {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self::with(mode, false)
    }

    /// The state of all the checkpoints of one function, which follow each other.
    pub(crate) const fn shared() -> Self {
        Self::with(Mode::Race, true)
    }

    const fn with(mode: Mode, seated: bool) -> Self {
        Self {
            watch: ManuallyDrop::new(None),
            joins: Joins::NOTHING,
            mode,
            started: false,
            relied: Relied::NEVER,
            seated,
        }
    }

    /// It was ready, and is a checkpoint that may be awaited once more. Then it starts once more, and joins nobody before
    /// that. One that is looked for still has its name.
    #[inline]
    pub(crate) fn is_over(&mut self) {
        if self.is_bare() {
            self.owes_nothing();
        }
        self.started = false;
        self.relied.forget_await();
    }

    /// It was ready, and has promised nothing to anybody. Its waker may stay in the list, for the next await of its function.
    /// It joins nobody until it has asked once more.
    #[inline]
    pub(crate) fn owes_nothing(&mut self) {
        self.joins = Joins::NOTHING;
    }

    /// The next checkpoint begins.
    #[inline]
    pub(crate) fn begin(&mut self, mode: Mode) {
        self.joins = Joins::NOTHING;
        self.mode = mode;
        self.started = false;
        self.relied.forget_await();
    }

    /// Why it gives up, or has refused its future. The end is final, so it may be asked for afterwards, too.
    #[cold]
    pub(crate) fn refusal(context: &Context) -> End {
        let end = context.scope().and_then(ScopeRef::observe);
        end.expect("a context that ended stays so")
    }

    /// Whether it is bare, or has not asked, or is over. Then nothing is to be seen to when it goes away.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is one comparison")]
    pub(crate) fn is_bare(&self) -> bool {
        self.joins.is_bare()
    }

    /// Whether nobody would notice if this checkpoint, which is not bare, went away.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        !self.was_answered() && self.watch.is_none()
    }

    /// Asks by the frame that is there, if this is the simplest case of all.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is all there is"
    )]
    pub(crate) fn join(&self, cx: &TaskContext<'_>) -> Option<Asking> {
        Asking::join(self.joins.line(), cx)
    }

    /// Its watch, which is made where there is none.
    #[inline]
    pub(crate) fn watch(&mut self) -> &mut Watch {
        if self.watch.is_none() {
            self.joins = self.name().into();
        }
        self.watch.get_or_insert_with(spare::take)
    }

    /// The same where there is none.
    #[inline]
    pub(crate) fn new_watch(&mut self) -> &mut Watch {
        self.joins = self.name().into();
        self.watch.insert(spare::take())
    }

    #[inline]
    pub(crate) fn has_started(&self) -> bool {
        self.started
    }

    /// It is over. Tells those around it if somebody inside may be pending who has answered this one and nobody around
    /// it (see `answer`, 6). A `between` call gives no answer that could be taken back, so for it an earlier poll counts
    /// too, with those around it whose poll had begun by then.
    pub(crate) fn leave_behind(&self, heard: Bits, context: &Context) {
        let began_before = match &*self.watch {
            _ if heard.leaves_behind() => u64::MAX,
            Some(watch) if self.mode == Mode::Between => watch.answered_in(),
            _ => return,
        };
        if let Some(line) = context.line() {
            answer::leave_behind(line, began_before);
        }
    }

    /// Ends the asking by the only frame of the thread, if nothing came to it but answers: what it heard.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its callers")]
    pub(crate) fn leaves_simply(&mut self, asking: Asking) -> Option<Bits> {
        let heard = asking.leave_simply();
        if heard.is_some_and(Bits::answered) {
            self.joins = top::name().into();
        }
        heard
    }

    /// Ends the asking of a poll, however that went.
    pub(crate) fn leaves(&mut self, asking: Asking) -> Heard {
        let heard = asking.leave();
        if heard.name.is_some() {
            self.joins = heard.name.into();
        }
        heard
    }

    /// Whether others relied on what came in this poll.
    #[inline]
    pub(crate) fn notes_relied(&mut self, heard: Bits) {
        if heard.relied() {
            self.relied = Relied::HERE;
        }
    }

    /// Whether anybody inside has answered its frame, and may look for it.
    #[inline]
    pub(crate) fn was_answered(&self) -> bool {
        self.joins.has_name()
    }

    #[inline]
    pub(crate) fn name(&self) -> Name {
        self.joins.name()
    }

    /// Whoever has answered its frame looks for it no more. The name by which it was answered.
    pub(crate) fn is_forgotten(&mut self) -> Name {
        let name = self.name();
        if name.is_some() {
            self.joins = Joins::NOBODY;
        }
        name
    }

    /// Those who have answered it by this name may look for it still.
    pub(crate) fn is_looked_for(&mut self, name: Name) {
        self.joins = name.into();
    }

    /// What tells this checkpoint from others that there are: it is pinned from its first poll on.
    #[cfg(feature = "testing")]
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}
