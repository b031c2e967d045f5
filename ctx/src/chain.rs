//! How a context prints itself: the chain of calls that made it.

use crate::{
    error::Trigger,
    node::{How, Kind, Node, ScopeRef},
};
use std::{
    fmt::{self, Write},
    sync::Arc,
};
use tokio::time::Instant;

/// Prints the chain that leads to `node`, from the root. A loop, since depth is no limit.
pub(crate) fn print(node: Option<&Arc<Node>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let links: Vec<_> = std::iter::successors(node, |node| node.up.as_ref()).collect();
    f.write_str("Background")?;
    for node in links.into_iter().rev() {
        match &node.kind {
            Kind::Scope(_) => print_scope(node, f)?,
            Kind::Layer(layer) => print_value(f, |f| layer.describe(node.number(), f))?,
            Kind::Shield => f.write_str(".without_cancel()")?,
            Kind::Annex(_) | Kind::Fork(_) => {}
        }
    }
    Ok(())
}

fn print_value(
    f: &mut fmt::Formatter<'_>,
    describe: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str(".with_value(")?;
    describe(f)?;
    f.write_char(')')
}

/// `.with_timeout(2s, 1.2s left, src/main.rs:31)`: what was asked for, how it stands, and where.
fn print_scope(node: &Arc<Node>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(scope) = ScopeRef::of(node) else {
        return Ok(());
    };
    match node.how {
        How::Cancel | How::Not => f.write_str(".with_cancel(")?,
        How::Timeout => {
            let after = scope.asked_for().unwrap_or_default();
            write!(f, ".with_timeout({after:?}, ")?;
        }
        How::Deadline => f.write_str(".with_deadline(")?,
        How::Merge => f.write_str(".merge(")?,
        #[cfg(feature = "tokio-util")]
        How::Token => f.write_str(".with_token(")?,
        #[cfg(feature = "signal")]
        How::Signal => f.write_str(".with_shutdown_signal(")?,
    }
    if let Some(end) = scope.observe() {
        let how = if end.trigger() == Trigger::Deadline {
            "expired"
        } else {
            "cancelled"
        };
        write!(f, "{how}, ")?;
    } else if let (How::Timeout | How::Deadline, Some(deadline)) = (node.how, scope.own.deadline) {
        let left = deadline.saturating_duration_since(Instant::now());
        write!(f, "{left:.1?} left, ")?;
    }
    write!(f, "{}:{})", scope.own.at.file(), scope.own.at.line())
}
