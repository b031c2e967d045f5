//! The frames below the latest one, and what is seldom heard (see `frame`).
//!
//! 1. Whoever looks at all frames does it in `with_stack`, which puts the latest one among them and takes
//!    it back. Nobody puts a frame on or takes one off meanwhile, and no foreign code runs.
//! 2. What is seldom heard by the frame on top waits in `rare`; it moves with its frame.
//! 3. A shield leaves itself with each frame that it holds, for the checkpoints that joined that frame. A
//!    checkpoint joins where nothing was left, so at the end of its poll it finds those inside it.

use crate::{
    answer::Answer,
    descent::{Descent, descent},
    few::Few,
    frame::{Frame, Marks, WakerId, waker_id},
    hold::{Hold, Shield},
    name::Name,
    node::Node,
    sync::thread_local,
    top::{Top, with_top},
};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    task::Waker,
};
use tokio::task::Id as TaskId;

#[cfg(not(ctx_loom))]
thread_local! {
    static STACK: RefCell<Stack> = const { RefCell::new(Stack::new()) };
    static OVER: Memory = const { Memory::new() };
}
#[cfg(ctx_loom)]
thread_local! {
    static STACK: RefCell<Stack> = RefCell::new(Stack::new());
    static OVER: Memory = Memory::new();
}

pub(crate) struct Stack {
    pub(crate) frames: Vec<(Frame, Option<Box<Rare>>)>,
    /// What the latest frame has heard.
    rare: Option<Box<Rare>>,
}

/// What is seldom heard.
#[derive(Default)]
pub(crate) struct Rare {
    /// Wakers that kept watch for the frame's checkpoint and no longer do.
    pub(crate) handed: Few<Waker>,
    /// What a shield inside holds the frame's checkpoint by.
    pub(crate) hold: Option<Arc<Hold>>,
    /// What was to wake the checkpoint when it is held no more, until this poll.
    pub(crate) slept: Option<Waker>,
    /// The shields inside those who joined.
    shields: Vec<Shield>,
}

impl Rare {
    pub(crate) fn of(rare: &mut Option<Box<Rare>>) -> &mut Rare {
        rare.get_or_insert_default()
    }

    pub(crate) fn lend(&mut self, hold: Arc<Hold>, slept: Option<Waker>) {
        self.hold = Some(hold);
        self.slept = slept;
    }

    /// Whether a shield holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.is_held())
    }

    /// A shield is at work inside.
    pub(crate) fn held_by(&mut self, shield: &Shield) {
        shield.hold(self.hold.get_or_insert_with(Hold::new));
        self.shields.push(shield.clone());
    }
}

/// Takes the wakers that the frame's checkpoint may have to see to. Its own is none of them, as it is
/// being polled with that one. Nor is one that it has: where all those in a chain hand theirs to all those around them, it
/// would come by each way that there is.
pub(crate) fn take_over(frame: &mut Frame, rare: &mut Option<Box<Rare>>, wakers: &mut Few<Waker>) {
    let mut idle = Few::new();
    while let Some(waker) = wakers.pop() {
        let known = |rare: &Rare| rare.handed.iter().any(|it| it.will_wake(&waker));
        let own = !frame.is_dropping() && waker_id(&waker) == frame.waker;
        if own || rare.as_deref().is_some_and(known) {
            idle.push(waker);
        } else {
            frame.mark_rare();
            Rare::of(rare).handed.push(waker);
        }
    }
    *wakers = idle;
}

impl Stack {
    const fn new() -> Self {
        Self {
            frames: Vec::new(),
            rare: None,
        }
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut (Frame, Option<Box<Rare>>)> {
        self.frames.last_mut()
    }

    /// The frame of an asker that is at work here.
    pub(crate) fn asker(&mut self, answer: Answer) -> Option<&mut (Frame, Option<Box<Rare>>)> {
        let mut latest_first = self.frames.iter_mut().rev();
        latest_first.find(|(frame, _)| frame.is(answer))
    }
}

/// Looks at all frames. A thread that is being torn down has no stack any more; then nobody asks and
/// nobody answers.
pub(crate) fn with_stack<R>(act: impl FnOnce(&mut Stack) -> R) -> Option<R> {
    let act = |stack: &RefCell<Stack>| {
        let mut stack = stack.borrow_mut();
        with_top(|top| {
            let Some(frame) = top.frame() else {
                return act(&mut stack);
            };
            let rare = stack.rare.take();
            stack.frames.push((frame, rare));
            let result = act(&mut stack);
            if let Some((frame, rare)) = stack.frames.pop() {
                top.set(&frame);
                stack.rare = rare;
            }
            result
        })
    };
    STACK.try_with(act).ok()
}

/// Saves the latest frame, which another one is about to cover; false if there is no stack.
#[inline(never)]
pub(crate) fn save(top: &Top) -> bool {
    let saved = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        if let Some(frame) = top.frame() {
            let rare = stack.rare.take();
            stack.frames.push((frame, rare));
        }
    });
    saved.is_ok()
}

/// Puts the frame that was covered back on top.
#[inline(never)]
pub(crate) fn restore(top: &Top) {
    let restored = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        if let Some((frame, rare)) = stack.frames.pop() {
            top.set(&frame);
            stack.rare = rare;
        }
    });
    // Without a stack the frames are gone, and the thread soon is.
    let _ = restored;
}

/// Takes what the latest frame, which is about to be taken off, has seldom heard.
#[cold]
pub(crate) fn take_rare() -> Option<Box<Rare>> {
    STACK
        .try_with(|stack| stack.borrow_mut().rare.take())
        .ok()?
}

/// Lets the shields inside a checkpoint that joined the latest frame hold it.
#[cold]
pub(crate) fn hold_joined() -> Option<Box<Rare>> {
    let shields = STACK.try_with(|stack| Some(stack.borrow().rare.as_ref()?.shields.clone()));
    let shields = shields.ok()??;
    if shields.is_empty() {
        return None;
    }
    let hold = Hold::new();
    for shield in &shields {
        shield.hold(&hold);
    }
    Some(Box::new(Rare {
        hold: Some(hold),
        ..Rare::default()
    }))
}

/// The task that a frame above the latest one belongs to, and whether it goes on in its order.
#[inline(never)]
pub(crate) fn continues(top: &Top, line: &Arc<Node>, waker: WakerId) -> (Option<TaskId>, Marks) {
    match top.frame() {
        Some(below) if below.waker == waker => (below.task, marks_above(&below, line)),
        Some(below) => {
            let task = tokio::task::try_id();
            if task == below.task {
                (task, marks_above(&below, line))
            } else {
                (task, Marks::PLAIN)
            }
        }
        None => (tokio::task::try_id(), Marks::PLAIN),
    }
}

/// The marks of a frame on `line` above this one: whether `line` descends from its line, and its order goes on.
fn marks_above(frame: &Frame, line: &Arc<Node>) -> Marks {
    let descent = if frame.is_ordered() {
        descent(line, frame.line)
    } else {
        None
    };
    match descent {
        None => Marks::PRESENT,
        Some(Descent::Open) if !frame.marks.has(Marks::SHIELDED) => Marks::PLAIN,
        Some(_) => Marks::PLAIN.and(Marks::SHIELDED),
    }
}

/// The latest askers that are over. One that is forgotten costs its answerers a needless wake-up.
struct Memory {
    over: [Cell<Name>; REMEMBERED],
    next: Cell<usize>,
}

const REMEMBERED: usize = 8;

impl Memory {
    const fn new() -> Self {
        Self {
            over: [const { Cell::new(Name::NONE) }; REMEMBERED],
            next: Cell::new(0),
        }
    }
}

/// The checkpoint of this name is over, and those whom it answered know.
pub(crate) fn remember_over(name: Name) {
    OVER.with(|memory| {
        let next = memory.next.get() % REMEMBERED;
        memory.over[next].set(name);
        memory.next.set(next + 1);
    });
}

/// Whether an asker needs nobody's watch any more.
pub(crate) fn is_over(answer: Answer) -> bool {
    OVER.with(|memory| memory.over.iter().any(|it| it.get() == answer.owner()))
}
