//! What runs after a scope has ended: its callbacks, one queue for each runtime that they came from.
//!
//! 1. A callback is in its queue, or taken out of it, by whoever runs it or stops it. That happens under
//!    the scope's lock, so exactly one of the two gets it (rule O1).
//! 2. While a queue has callbacks of an ended scope, one runner is at work on it, so they run one after
//!    another in the order of registration (rule O3). A runner that finds its queue empty says so under
//!    the lock, and the next registration starts a new one.
//! 3. A scope with a callback waiting points at itself, so that it lives until the callback has run or
//!    was stopped. The pointer is taken out with the last callback.
//! 4. A runner that is dropped unfinished, because its runtime has gone, goes on in a thread (rule O2).
//!
//! Callbacks, their drops and timers are foreign code or call it, so none of them happens under the lock.

use crate::{
    error::Cancelled,
    node::{Node, ScopeRef},
    sweep::contain,
    sync,
    timer::Timer,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    task::{Context as TaskContext, Poll, Wake, Waker},
};
use tokio::runtime::{Handle, Id};

pub(crate) type Callback = Box<dyn FnOnce(Cancelled) + Send>;

pub(crate) struct Callbacks {
    queues: Vec<Queue>,
    next_number: u64,
    /// The scope itself (invariant 3).
    #[expect(dead_code, reason = "it is held, not used")]
    keeps: Arc<Node>,
}

struct Queue {
    /// Where its callbacks run: a runtime, or threads of their own.
    home: Option<Handle>,
    waiting: VecDeque<(u64, Callback)>,
    running: bool,
    /// Rings at the deadline, if the scope has one.
    timer: Option<Timer>,
}

/// A callback's place.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    number: u64,
    home: Option<Id>,
}

impl Callbacks {
    fn new(keeps: Arc<Node>) -> Self {
        Self {
            queues: Vec::new(),
            next_number: 0,
            keeps,
        }
    }

    fn queue(&mut self, home: Option<Id>) -> Option<&mut Queue> {
        let is_it = |queue: &&mut Queue| queue.home.as_ref().map(Handle::id) == home;
        self.queues.iter_mut().find(is_it)
    }

    fn is_idle(&self) -> bool {
        self.queues
            .iter()
            .all(|queue| queue.waiting.is_empty() && !queue.running)
    }
}

/// Puts a callback in. If the scope has ended it is started at once.
pub(crate) fn register(scope: ScopeRef<'_>, callback: Callback) -> Ticket {
    scope.link();
    let handle = Handle::try_current().ok();
    let home = handle.as_ref().map(Handle::id);
    // Where nothing is left to wait for, the runtime need not have timers.
    let mut timer = if scope.is_ended() {
        None
    } else {
        alarm(scope, home)
    };
    let mut links = scope.own.links.lock();
    let callbacks = links.callbacks_or(|| Callbacks::new(Arc::clone(scope.node)));
    let number = callbacks.next_number;
    callbacks.next_number += 1;
    if callbacks.queue(home).is_none() {
        callbacks.queues.push(Queue {
            home: handle,
            waiting: VecDeque::new(),
            running: false,
            timer: None,
        });
    }
    if let Some(queue) = callbacks.queue(home) {
        queue.waiting.push_back((number, callback));
        if queue.timer.is_none() {
            queue.timer = timer.take();
        }
    }
    drop(links);
    drop(timer);
    if scope.is_ended() {
        start(scope);
    }
    Ticket { number, home }
}

/// Takes a callback out before it runs; `None` if it has been taken already.
pub(crate) fn take(scope: ScopeRef<'_>, ticket: Ticket) -> Option<Callback> {
    let mut links = scope.own.links.lock();
    let callbacks = links.callbacks()?;
    let queue = callbacks.queue(ticket.home)?;
    // They were numbered as they came.
    let waiting = &queue.waiting;
    let place = waiting.binary_search_by_key(&ticket.number, |(number, _)| *number);
    let place = place.ok()?;
    let (_, callback) = queue.waiting.remove(place)?;
    let timer = if queue.waiting.is_empty() {
        queue.timer.take()
    } else {
        None
    };
    let idle = if callbacks.is_idle() {
        links.take_callbacks()
    } else {
        None
    };
    drop(links);
    drop(timer);
    drop(idle);
    Some(callback)
}

/// Sets a runner to work on every queue of an ended scope that has callbacks and no runner.
pub(crate) fn start(scope: ScopeRef<'_>) {
    let mut homes = Vec::new();
    let mut timers = Vec::new();
    let mut links = scope.own.links.lock();
    if let Some(callbacks) = links.callbacks() {
        for queue in &mut callbacks.queues {
            timers.extend(queue.timer.take());
            if !queue.running && !queue.waiting.is_empty() {
                queue.running = true;
                homes.push(queue.home.clone());
            }
        }
    }
    drop(links);
    drop(timers);
    for home in homes {
        let runner = Runner {
            node: Arc::clone(scope.node),
            home: home.as_ref().map(Handle::id),
            finished: false,
        };
        match home {
            Some(home) => drop(home.spawn(runner.run_in_runtime())),
            // Its drop sees to the rest.
            None => drop(runner),
        }
    }
}

/// A timer that starts the callbacks at the scope's deadline. No task waits for it: its waker does it.
fn alarm(scope: ScopeRef<'_>, home: Option<Id>) -> Option<Timer> {
    let at = scope.own.deadline?;
    let waker = Ring::waker(scope, home);
    let mut timer = Timer::unset();
    match timer.poll(at, &mut TaskContext::from_waker(&waker)) {
        Poll::Ready(()) => {
            scope.settle(true);
            None
        }
        Poll::Pending => Some(timer),
    }
}

/// The waker of one queue's timer.
struct Ring {
    node: Weak<Node>,
    home: Option<Id>,
}

impl Ring {
    fn waker(scope: ScopeRef<'_>, home: Option<Id>) -> Waker {
        let node = Arc::downgrade(scope.node);
        Waker::from(Arc::new(Self { node, home }))
    }
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        let Some(node) = self.node.upgrade() else {
            return;
        };
        let Some(scope) = ScopeRef::of(&node) else {
            return;
        };
        // A runtime rings all its timers when it goes, so this may be long before the deadline.
        if !scope.is_ended() {
            rearm(scope, self.home);
        }
        if scope.is_ended() {
            start(scope);
        }
    }
}

/// Gives a queue whose runtime has gone a timer that needs none.
fn rearm(scope: ScopeRef<'_>, home: Option<Id>) {
    let Some(deadline) = scope.own.deadline else {
        return;
    };
    let Some(timer) = Timer::ring_outside(deadline, &Ring::waker(scope, home)) else {
        scope.settle(true);
        return;
    };
    let mut timer = Some(timer);
    let mut links = scope.own.links.lock();
    if let Some(queue) = links.callbacks().and_then(|it| it.queue(home)) {
        // Where nothing waits any more, or a start has taken the timer out, none is needed.
        if queue.timer.is_some() {
            std::mem::swap(&mut queue.timer, &mut timer);
        }
    }
    drop(links);
    drop(timer);
}

/// Whoever empties one queue.
struct Runner {
    node: Arc<Node>,
    home: Option<Id>,
    finished: bool,
}

impl Runner {
    async fn run_in_runtime(mut self) {
        while let Some((callback, cancelled)) = self.next() {
            contain(|| callback(cancelled));
            tokio::task::yield_now().await;
        }
    }

    fn run_here(mut self) {
        while let Some((callback, cancelled)) = self.next() {
            contain(|| callback(cancelled));
        }
    }

    /// The next callback, and what to tell it. `None` ends the runner.
    fn next(&mut self) -> Option<(Callback, Cancelled)> {
        let node = Arc::clone(&self.node);
        let scope = ScopeRef::of(&node)?;
        let end = scope.known_end()?;
        let mut idle = None;
        let mut links = scope.own.links.lock();
        let callbacks = links.callbacks()?;
        let next = match callbacks.queue(self.home) {
            Some(queue) => {
                let next = queue.waiting.pop_front();
                queue.running = next.is_some();
                next
            }
            None => None,
        };
        self.finished = next.is_none();
        if callbacks.is_idle() {
            idle = links.take_callbacks();
        }
        drop(links);
        drop(idle);
        next.map(|(_, callback)| (callback, Cancelled::of(end, None)))
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let node = Arc::clone(&self.node);
        let home = self.home;
        let run = move |node| {
            Runner {
                node,
                home,
                finished: false,
            }
            .run_here();
        };
        let for_thread = Arc::clone(&node);
        if !sync::spawn("ctx-callback", move || run(for_thread)) {
            // No thread is to be had. That a callback runs at all counts for more than where.
            run(node);
        }
    }
}
