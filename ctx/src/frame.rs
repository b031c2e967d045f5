//! Who asks and who answers: how the innermost checkpoint comes to decide (rule C3).
//!
//! While a checkpoint polls its future it stands on this thread's stack of *frames* and so asks: does
//! anybody inside wait on my behalf? A checkpoint that stays pending *answers* the nearest frame whose
//! line it descends from. One that was answered neither registers with its context nor fires; it is
//! pending itself, so it answers the next frame, and so on. Only the innermost waits in a list.
//!
//! 1. An answer counts for one poll of the asker. Frame and answer carry the number of that poll.
//! 2. Who answered keeps watch for the asker until the asker is polled again: the waker that stands in a
//!    list is the answerer's. So an answerer that goes away (it finished, it was dropped, it now answers
//!    somebody else, it is polled with another waker) must leave nobody unwatched (rule C8):
//!    - the asker is being polled: the answer is withdrawn, and the asker decides at the end of the poll;
//!    - the asker is being dropped: it needs no watch, but the one whom it answered may; the waker is
//!      handed to it, and it goes through the same three cases;
//!    - the asker is not on this stack: the waker is woken, so that it is polled and looks for itself.
//! 3. An asker whose answerer has another waker (a combinator stands between them) registers itself too,
//!    but leaves the decision to the answerer.
//! 4. Across a shield there are no answers but holds, in every frame that descends through it.
//! 5. Frames of another task are not asked. Tasks are told apart by their ids, looked at only where the
//!    wakers differ.
//!
//! `ordered` says that each frame down to the task's first one descends from the one below it. Then a
//! line that descends from a frame answers for no frame below it that this frame's owner will not answer
//! itself, and one answer is enough; otherwise all frames are looked at.
//!
//! Frames hold addresses instead of references. They are compared and never followed: the owner of a
//! frame is pinned while it is polled, and so are the lines that it holds alive.

use crate::{
    few::Few,
    hold::{Held, Hold},
    node::{Descent, Node, address, descent},
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

struct Stack {
    frames: Vec<Frame>,
    /// The number of the next poll, and where this thread's block of numbers ends.
    next_poll: u64,
    polls_end: u64,
}

/// What tells one waker from another: equal means that each wakes what the other does.
type WakerId = (usize, usize);

fn waker_id(waker: &Waker) -> WakerId {
    (
        waker.data().addr(),
        std::ptr::from_ref(waker.vtable()).addr(),
    )
}

struct Frame {
    line: usize,
    owner: usize,
    poll: u64,
    waker: WakerId,
    task: Option<TaskId>,
    ordered: bool,
    dropping: bool,
    heard: Heard,
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
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Whether nothing came but answers.
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

/// Whom a checkpoint has answered: the asking checkpoint's address, and which of its polls.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    owner: usize,
    poll: u64,
}

impl Answer {
    pub(crate) const NONE: Answer = Answer { owner: 0, poll: 0 };

    pub(crate) fn is_none(self) -> bool {
        self.owner == 0
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

    /// Lends the frame the checkpoint's hold, for shields inside to find.
    #[expect(
        clippy::unused_self,
        reason = "only who has a frame can lend it anything"
    )]
    pub(crate) fn lend(&self, hold: Arc<Hold>) {
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
        std::mem::forget(self);
        match with_stack(|stack| stack.frames.pop()) {
            Some(Some(frame)) => frame.heard,
            Some(None) | None => Heard::default(),
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let frame = with_stack(|stack| stack.frames.pop());
        drop(frame);
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

    fn is(&self, answer: Answer) -> bool {
        self.owner == answer.owner
    }

    /// Takes the wakers that this frame's checkpoint may have to see to. Its own is none of them, as it
    /// is being polled with that one.
    fn take_over(&mut self, wakers: &mut Few<Waker>) {
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
fn with_stack<R>(act: impl FnOnce(&mut Stack) -> R) -> Option<R> {
    STACK.try_with(|stack| act(&mut stack.borrow_mut())).ok()
}

impl Stack {
    const fn new() -> Self {
        Self {
            frames: Vec::new(),
            next_poll: 0,
            polls_end: 0,
        }
    }

    /// A number that no other poll of the process has. Threads take them in blocks.
    #[inline]
    fn number_poll(&mut self) -> u64 {
        const BLOCK: u64 = 1 << 32;
        static BLOCKS: AtomicU64 = AtomicU64::new(0);
        if self.next_poll == self.polls_end {
            // Relaxed: only the blocks must differ, which the addition's atomicity gives.
            self.next_poll = BLOCKS.fetch_add(BLOCK, Ordering::Relaxed);
            self.polls_end = self.next_poll + BLOCK;
        }
        self.next_poll += 1;
        self.next_poll
    }
}

/// Answers the nearest frame, if that is all there is to do: it is on the same line and has the same
/// waker, and it is the one answered before. True if it was, or if nobody asks.
#[inline]
pub(crate) fn answer_nearest(answer: &mut Answer, line: &Arc<Node>, waker: &Waker) -> bool {
    with_stack(|stack| {
        let Some(frame) = stack.frames.last_mut() else {
            return true;
        };
        let common = frame.line == address(line)
            && frame.waker == waker_id(waker)
            && frame.ordered
            && !frame.dropping
            && (answer.is_none() || frame.is(*answer));
        if common && (answer.is_none() || answer.poll != frame.poll) {
            frame.heard.answers += 1;
            *answer = Answer {
                owner: frame.owner,
                poll: frame.poll,
            };
        }
        common
    })
    .unwrap_or(true)
}

/// One checkpoint's answers: the one that nearly always is all, and the rest.
pub(crate) struct Answers<'a> {
    pub(crate) first: &'a mut Answer,
    pub(crate) more: &'a mut Vec<Answer>,
    pub(crate) held: &'a mut Held,
}

impl Answers<'_> {
    /// Answers, and holds, for a checkpoint on `line` that stays pending. `holds` is for one that must not
    /// be dropped, whatever its line: then no frame is answered and all related ones are held.
    ///
    /// True if an earlier asker is left without a watch: the caller wakes `waker`.
    pub(crate) fn give(&mut self, line: &Arc<Node>, waker: &Waker, holds: bool) -> bool {
        let id = waker_id(waker);
        with_stack(|stack| {
            let stack = &mut stack.frames;
            let given = self.answer_frames(stack, line, id, holds);
            match given.split_first() {
                None => false,
                Some((first, more)) => {
                    let before = std::mem::replace(self.first, *first);
                    let others = std::mem::take(self.more);
                    self.more.extend_from_slice(more);
                    let mut earlier = std::iter::once(before).chain(others);
                    earlier.any(|it| !it.is_none() && !given.contains(&it) && take_back(stack, it))
                }
            }
        })
        .unwrap_or(false)
    }

    fn answer_frames(
        &mut self,
        stack: &mut [Frame],
        line: &Arc<Node>,
        id: WakerId,
        holds: bool,
    ) -> Given {
        let mut given = Given::new();
        let mut task = None;
        let mut held = 0;
        for frame in stack.iter_mut().rev().filter(|frame| !frame.dropping) {
            let foreign = frame.waker != id;
            if foreign && *task.get_or_insert_with(tokio::task::try_id) != frame.task {
                break;
            }
            match descent(line, frame.line) {
                None => {}
                Some(Descent::Open) if !holds => {
                    let answer = Answer {
                        owner: frame.owner,
                        poll: frame.poll,
                    };
                    if *self.first != answer && !self.more.contains(&answer) {
                        frame.heard.answers += 1;
                    }
                    frame.heard.foreign |= foreign;
                    given.push(answer);
                    if frame.ordered {
                        break;
                    }
                }
                Some(Descent::Open | Descent::Shielded) => {
                    let its_hold = frame.heard.rare().hold.get_or_insert_with(Hold::new);
                    self.held.add(its_hold, held);
                    held += 1;
                }
            }
        }
        given
    }
}

/// The answers of one poll: nearly always at most one.
struct Given {
    first: [Answer; 1],
    all: Vec<Answer>,
    count: usize,
}

impl Given {
    const fn new() -> Self {
        Self {
            first: [Answer::NONE],
            all: Vec::new(),
            count: 0,
        }
    }

    fn push(&mut self, answer: Answer) {
        if self.count == 0 {
            self.first = [answer];
        } else {
            if self.count == 1 {
                self.all.push(self.first[0]);
            }
            self.all.push(answer);
        }
        self.count += 1;
    }
}

impl std::ops::Deref for Given {
    type Target = [Answer];

    fn deref(&self) -> &[Answer] {
        match self.count {
            0 => &[],
            1 => &self.first,
            _ => &self.all,
        }
    }
}

/// Withdraws an answer that is no longer repeated; true if its asker is not here to see it.
fn take_back(stack: &mut [Frame], answer: Answer) -> bool {
    match stack.iter_mut().rev().find(|frame| frame.is(answer)) {
        Some(frame) => {
            if frame.poll == answer.poll {
                frame.heard.answers -= 1;
            }
            false
        }
        None => true,
    }
}

/// Whether an asker is at work on this thread, and so sees what its answerer does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    Here,
    Away,
}

/// An answerer goes away, and with it the `wakers` that kept watch.
///
/// Where the asker is here it is told, and takes the wakers that are not its own; those left are of no
/// more use. Where it is away they are all left, to be woken.
pub(crate) fn depart(answer: Answer, wakers: &mut Few<Waker>) -> Asker {
    tell(answer, |frame| {
        if !frame.dropping && frame.poll == answer.poll {
            frame.heard.answers -= 1;
        }
        frame.take_over(wakers);
    })
}

/// Hands on the wakers that kept watch until now, from a checkpoint that goes on with another.
pub(crate) fn hand_on(answer: Answer, wakers: &mut Few<Waker>) -> Asker {
    tell(answer, |frame| frame.take_over(wakers))
}

fn tell(answer: Answer, news: impl FnOnce(&mut Frame)) -> Asker {
    let told = with_stack(|stack| {
        let asker = stack
            .frames
            .iter_mut()
            .rev()
            .find(|frame| frame.is(answer))?;
        news(asker);
        Some(())
    });
    match told.flatten() {
        Some(()) => Asker::Here,
        None => Asker::Away,
    }
}
