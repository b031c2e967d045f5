//! Who asks: the checkpoints of this thread that are polling their futures (rule C3).
//!
//! While a checkpoint polls its future it stands on this thread's stack of *frames* and so asks: does
//! anybody inside wait on my behalf? How that is answered, and what an answer obliges to, is in `answer`.
//!
//! `ordered` says that each frame down to the task's first one descends from the one below it. Then a
//! line that descends from a frame answers for no frame below it that this frame's owner will not answer
//! itself, and one answer is enough; otherwise all frames are looked at.
//!
//! Frames hold addresses instead of references. They are compared and never followed: the owner of a
//! frame is pinned while it is polled, and so are the lines that it holds alive.
//!
//! An address is used again by others once its owner is gone. So an asker that is over is remembered by
//! its address and the polls that this thread had numbered until then: an answer to that address in one
//! of those polls was to it, or to one that was over even before.

use crate::{
    answer::{Answer, wake},
    few::Few,
    hold::Hold,
    node::{Node, address, descent},
    sync::thread_local,
};
use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};
use tokio::task::Id as TaskId;

// Loom's macro takes no `const` block, which saves std's a check of whether it is initialised.
#[cfg(not(ctx_loom))]
thread_local! {
    static STACK: RefCell<Stack> = const { RefCell::new(Stack::new()) };
}
#[cfg(ctx_loom)]
thread_local! {
    static STACK: RefCell<Stack> = RefCell::new(Stack::new());
}

pub(crate) struct Stack {
    pub(crate) frames: Vec<Frame>,
    /// The number of the latest poll, and the first and the last of this thread's block of numbers.
    poll: u64,
    block: (u64, u64),
    /// The latest askers that are over. One that is forgotten costs its answerers a needless wake-up.
    over: [Over; REMEMBERED],
    next_over: usize,
}

const REMEMBERED: usize = 8;

/// An asker that needs nobody's watch any more: its address, and the polls that were numbered by then.
#[derive(Clone, Copy)]
struct Over {
    owner: usize,
    polls: (u64, u64),
}

/// What tells one waker from another: equal means that each wakes what the other does.
pub(crate) type WakerId = (usize, usize);

#[inline]
pub(crate) fn waker_id(waker: &Waker) -> WakerId {
    (
        waker.data().addr(),
        std::ptr::from_ref(waker.vtable()).addr(),
    )
}

pub(crate) struct Frame {
    pub(crate) line: usize,
    pub(crate) owner: usize,
    pub(crate) poll: u64,
    pub(crate) waker: WakerId,
    pub(crate) task: Option<TaskId>,
    pub(crate) ordered: bool,
    pub(crate) dropping: bool,
    pub(crate) heard: Heard,
}

/// What a checkpoint learns from polling its future.
#[derive(Default)]
pub(crate) struct Heard {
    /// How many checkpoints inside stay pending on its behalf.
    pub(crate) answers: u32,
    /// Whether one of them has another waker.
    pub(crate) foreign: bool,
    rare: Option<Box<Rare>>,
}

/// What is seldom heard.
#[derive(Default)]
struct Rare {
    /// Wakers that kept watch for this checkpoint and no longer do.
    handed: Few<Waker>,
    hold: Option<Arc<Hold>>,
}

impl Heard {
    pub(crate) fn hold(&mut self) -> &Arc<Hold> {
        self.rare().hold.get_or_insert_with(Hold::new)
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Whether nothing came but answers.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.rare.is_none()
    }

    pub(crate) fn take_hold(&mut self) -> Option<Arc<Hold>> {
        self.rare.as_mut()?.hold.take()
    }

    pub(crate) fn into_handed(self) -> Few<Waker> {
        self.rare.map_or_else(Few::new, |rare| rare.handed)
    }
}

/// A frame on the stack. It is taken off by `leave`, or by dropping this when the poll panics.
///
/// On a thread that is being torn down there is no stack, neither for putting on nor for taking off.
pub(crate) struct Asking(());

impl Asking {
    /// Asks on behalf of the checkpoint at `owner`, which polls its future with `waker`.
    #[inline]
    pub(crate) fn poll(line: &Arc<Node>, owner: usize, waker: &Waker) -> Self {
        let line_address = address(line);
        let waker = waker_id(waker);
        with_stack(|stack| {
            let (task, ordered) = match stack.frames.last() {
                Some(below) if below.waker == waker => (below.task, below.is_above(line)),
                below => first_of_its_waker(below, line),
            };
            let poll = stack.number_poll();
            stack.frames.push(Frame {
                line: line_address,
                owner,
                poll,
                waker,
                task,
                ordered,
                dropping: false,
                heard: Heard::default(),
            });
        });
        Self(())
    }

    /// Lends the latest frame its checkpoint's hold, for shields inside to find.
    pub(crate) fn lend(hold: Arc<Hold>) {
        with_stack(|stack| {
            if let Some(frame) = stack.frames.last_mut() {
                frame.heard.rare().hold = Some(hold);
            }
        });
    }

    /// Stands for a checkpoint that is dropping its future.
    pub(crate) fn drop_of(owner: usize) -> Self {
        with_stack(|stack| {
            stack.frames.push(Frame {
                line: 0,
                owner,
                poll: 0,
                waker: (0, 0),
                task: None,
                ordered: false,
                dropping: true,
                heard: Heard::default(),
            });
        });
        Self(())
    }

    #[inline]
    pub(crate) fn leave(self) -> Heard {
        self.leave_by(|_, heard| Some(heard)).unwrap_or_default()
    }

    /// Takes the frame off, and does something with what was heard while the stack is at hand.
    #[inline]
    pub(crate) fn leave_by(
        self,
        and: impl FnOnce(&mut Stack, Heard) -> Option<Heard>,
    ) -> Option<Heard> {
        std::mem::forget(self);
        with_stack(|stack| match stack.frames.pop() {
            Some(frame) => and(stack, frame.heard),
            None => Some(Heard::default()),
        })
        .unwrap_or_else(|| Some(Heard::default()))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(Some(frame)) = with_stack(|stack| stack.frames.pop()) {
            // The poll has panicked, so nobody else will see to these.
            frame.heard.into_handed().iter().for_each(wake);
        }
    }
}

/// The task that a frame on `line` belongs to, and whether it goes on in the order of the frame below,
/// where that has another waker or is none.
fn first_of_its_waker(below: Option<&Frame>, line: &Arc<Node>) -> (Option<TaskId>, bool) {
    let task = tokio::task::try_id();
    let ordered = match below {
        Some(below) => task != below.task || below.is_above(line),
        None => true,
    };
    (task, ordered)
}

impl Frame {
    /// Whether `line` descends from this frame's line, and this frame's order goes on.
    #[inline]
    fn is_above(&self, line: &Arc<Node>) -> bool {
        self.ordered && (self.line == address(line) || descent(line, self.line).is_some())
    }

    #[inline]
    pub(crate) fn is(&self, answer: Answer) -> bool {
        self.owner == answer.owner()
    }

    /// An answer that does not count any more, if it was given in this poll.
    #[inline]
    pub(crate) fn take_back(&mut self, answer: Answer) {
        if self.poll == answer.poll {
            self.heard.answers -= 1;
        }
    }

    /// Takes the wakers that this frame's checkpoint may have to see to. Its own is none of them, as it
    /// is being polled with that one.
    pub(crate) fn take_over(&mut self, wakers: &mut Few<Waker>) {
        let mut idle = Few::new();
        while let Some(waker) = wakers.pop() {
            if self.dropping || waker_id(&waker) != self.waker {
                self.heard.rare().handed.push(waker);
            } else {
                idle.push(waker);
            }
        }
        *wakers = idle;
    }
}

/// A thread that is being torn down has no stack any more; then nobody asks and nobody answers.
#[inline]
pub(crate) fn with_stack<R>(act: impl FnOnce(&mut Stack) -> R) -> Option<R> {
    STACK.try_with(|stack| act(&mut stack.borrow_mut())).ok()
}

impl Stack {
    const fn new() -> Self {
        let nobody = Over {
            owner: 0,
            polls: (0, 0),
        };
        Self {
            frames: Vec::new(),
            poll: 0,
            block: (0, 0),
            over: [nobody; REMEMBERED],
            next_over: 0,
        }
    }

    /// A number that no other poll of the process has. Threads take them in blocks.
    #[inline]
    fn number_poll(&mut self) -> u64 {
        const BLOCK: u64 = 1 << 32;
        static BLOCKS: AtomicU64 = AtomicU64::new(1);
        if self.poll == self.block.1 {
            // Relaxed: only the blocks must differ, which the addition's atomicity gives.
            let first = BLOCKS.fetch_add(BLOCK, Ordering::Relaxed);
            self.block = (first, first + BLOCK - 1);
            self.poll = first;
        } else {
            self.poll += 1;
        }
        self.poll
    }

    /// The frame of an asker that is at work here.
    #[inline]
    pub(crate) fn asker(&mut self, answer: Answer) -> Option<&mut Frame> {
        self.frames.iter_mut().rev().find(|frame| frame.is(answer))
    }

    /// Whether an asker needs nobody's watch any more.
    pub(crate) fn is_over(&self, answer: Answer) -> bool {
        let was_asked_by = |over: &Over| {
            let (first, last) = over.polls;
            over.owner == answer.owner() && (first..=last).contains(&answer.poll)
        };
        self.over.iter().any(was_asked_by)
    }
}

/// The checkpoint at `owner` is over, and those whom it answered know.
pub(crate) fn remember_over(owner: usize) {
    with_stack(|stack| {
        stack.over[stack.next_over] = Over {
            owner,
            polls: (stack.block.0, stack.poll),
        };
        stack.next_over = (stack.next_over + 1) % REMEMBERED;
    });
}
