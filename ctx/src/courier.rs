//! Who carries the end of a scope to a `CancellationToken`, and the end of a token to a scope: wakers that
//! act, so there is no task (rule T11).
//!
//! **From a scope to its token.** The scope's own token is made once, and never given away: everybody gets a
//! child of it, which tokio-util takes off its list when it is dropped, and whose cancellation goes down
//! from there. A `Courier` stands in the scope's wait list, and in a timer if there is a deadline.
//! 1. While the scope is live the courier holds it (rule O1's reason: the end must come to somebody), through
//!    the wait list a cycle. `deliver` breaks it, and every end comes to `deliver`: a walk wakes the
//!    courier, and so does the timer, in whose place another one is put if it rings too early.
//! 2. The token is cancelled before the courier's post is taken, so whoever finds it taken knows that the
//!    token is cancelled, or being cancelled by a call that has marked it already (but see 5).
//!
//! **From a token to its scope.** The scope holds a wait for the token (bridge, 1), polled once, with a
//! waker that holds the scope weakly and ends it.
//! 3. That waker is woken by the token's cancellation and by nothing else: it was polled without a budget.
//! 4. tokio-util wakes after it has let go of its locks, since 0.7.20, so the scope's waiters, foreign code,
//!    run under none (rule T9), and may look at the token. They may drop the scope, and so the wait.
//!
//! **There and back.** A context may follow the token of a context that follows a token, and so on.
//! 5. Each way over a bridge takes stack, so only the first few are gone at once. What is found further on
//!    goes to a list of the thread's, which the last of those few empties before it returns (rule T8's
//!    reason: depth is no limit). So all of it has happened when the outermost `cancel` returns.

use crate::{
    error::cause_from,
    lock::Lock,
    node::{Node, ScopeRef},
    sweep::contain,
    timer::Timer,
    token::TokenCancelled,
    wait_list::Key,
    watch::{self, Enrolled},
};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    sync::{Arc, Weak},
    task::{Context as TaskContext, Poll, Wake, Waker},
};
use tokio::task::coop::unconstrained;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled when `scope` ends, and has no power over anything else.
pub(crate) fn token_of(scope: ScopeRef<'_>) -> CancellationToken {
    if scope.is_ended() {
        // The courier may be late with a deadline, and for a scope that has ended it is not needed.
        let token = CancellationToken::new();
        token.cancel();
        return token;
    }
    let known = scope.own.links.lock().token();
    let own = known.unwrap_or_else(|| {
        // The courier goes first, so that no end is missed by a token that others have found here.
        let made = Arc::new(CancellationToken::new());
        let (courier, key) = Courier::send(scope, Arc::clone(&made));
        let kept = scope.own.links.lock().keep_token(Arc::clone(&made));
        if !Arc::ptr_eq(&kept, &made) {
            // Another thread was faster.
            courier.retire(scope, key);
        }
        kept
    });
    own.child_token()
}

struct Courier {
    /// Shared by our own count: a clone of a token takes a lock of tokio-util's.
    token: Arc<CancellationToken>,
    /// `None` once the end was delivered, and before the courier was sent.
    post: Lock<Option<Post>>,
}

/// What the courier needs to hear of the end.
struct Post {
    node: Arc<Node>,
    timer: Option<Timer>,
}

impl Courier {
    fn send(scope: ScopeRef<'_>, token: Arc<CancellationToken>) -> (Arc<Self>, Key) {
        let courier = Arc::new(Self {
            token,
            post: Lock::new(Some(Post {
                node: Arc::clone(scope.node),
                timer: None,
            })),
        });
        let waker = Waker::from(Arc::clone(&courier));
        courier.set_timer(scope, &waker);
        // Its place is not given back: where no walk takes the waker out, it goes with the scope.
        let mut key = Key::NONE;
        if let Enrolled::Ended = watch::enroll(scope, &mut key, &waker) {
            courier.deliver();
        }
        (courier, key)
    }

    /// Another courier does its work.
    fn retire(&self, scope: ScopeRef<'_>, mut key: Key) {
        let waker = watch::withdraw(scope, &mut key);
        let post = self.post.lock().take();
        drop((waker, post));
    }

    fn set_timer(&self, scope: ScopeRef<'_>, waker: &Waker) {
        let Some(deadline) = scope.own.deadline else {
            return;
        };
        let mut timer = Timer::unset();
        let mut cx = TaskContext::from_waker(waker);
        if timer.poll(deadline, &mut cx).is_ready() {
            scope.settle(true);
        }
        let mut timer = Some(timer);
        let mut post = self.post.lock();
        if let Some(post) = post.as_mut() {
            // Where `rearm` has put one already, this one has rung.
            if post.timer.is_none() {
                post.timer = timer.take();
            }
        }
        drop(post);
        drop(timer);
    }

    /// Puts a timer that needs no runtime in the place of one whose runtime has gone: a runtime rings all
    /// its timers then, however long before their time.
    fn rearm(self: &Arc<Self>, scope: ScopeRef<'_>) {
        let Some(deadline) = scope.own.deadline else {
            return;
        };
        let waker = Waker::from(Arc::clone(self));
        let Some(timer) = Timer::ring_outside(deadline, &waker) else {
            scope.settle(true);
            return;
        };
        let mut post = self.post.lock();
        let replaced = match post.as_mut() {
            Some(post) => post.timer.replace(timer),
            None => Some(timer),
        };
        drop(post);
        drop(replaced);
    }

    fn deliver(&self) {
        cancel(&self.token);
        let post = self.post.lock().take();
        drop(post);
    }
}

impl Wake for Courier {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let node = self.post.lock().as_ref().map(|post| Arc::clone(&post.node));
        let Some(node) = node else { return };
        let Some(scope) = ScopeRef::of(&node) else {
            return;
        };
        if !scope.is_ended() {
            self.rearm(scope);
        }
        if scope.is_ended() {
            self.deliver();
        }
    }
}

/// How many bridges are crossed on top of each other.
const STEPS: usize = 16;

thread_local! {
    static STEP: Cell<usize> = const { Cell::new(0) };
    static LATER: RefCell<Vec<CancellationToken>> = const { RefCell::new(Vec::new()) };
}

/// Cancels a token, whose waiters may be our own and so lead on to the next one (invariant 5).
fn cancel(token: &CancellationToken) {
    if LATER.try_with(|_| ()).is_err() {
        // The thread is being torn down, and the list has gone.
        return contain(|| token.cancel());
    }
    let step = STEP.get();
    if step == STEPS {
        return LATER.with_borrow_mut(|later| later.push(token.clone()));
    }
    STEP.set(step + 1);
    contain(|| token.cancel());
    if step + 1 == STEPS {
        while let Some(token) = LATER.with_borrow_mut(Vec::pop) {
            contain(|| token.cancel());
        }
    }
    STEP.set(step);
}

/// Ends `scope`, which has just been made, when `token` is cancelled.
pub(crate) fn follow(scope: ScopeRef<'_>, token: CancellationToken) {
    if scope.node.state.load().ended() {
        return;
    }
    let mut wait = Box::pin(unconstrained(token.cancelled_owned()));
    let waker = Waker::from(Arc::new(Follower(Arc::downgrade(scope.node))));
    match wait.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
        Poll::Ready(()) => end(scope),
        Poll::Pending => {
            if let Some(bridge) = scope.node.bridge() {
                bridge.hold(wait);
            }
        }
    }
}

/// The waker that ends a scope.
struct Follower(Weak<Node>);

impl Wake for Follower {
    fn wake(self: Arc<Self>) {
        if let Some(node) = self.0.upgrade() {
            if let Some(scope) = ScopeRef::of(&node) {
                end(scope);
            }
        }
    }
}

fn end(scope: ScopeRef<'_>) {
    let cause = cause_from(TokenCancelled);
    scope.end_by_call(scope.own.at, Some(cause));
}
