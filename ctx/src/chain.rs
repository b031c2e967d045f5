//! How a context prints itself: the chain of calls that made it.

use crate::node::{How, Kind, Node, ScopeRef};
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
            Kind::Layer(layer) => {
                f.write_str(".with_value(")?;
                layer.key.describe(layer.value.as_ref(), f)?;
                f.write_char(')')?;
            }
            Kind::Shield { .. } => f.write_str(".without_cancel()")?,
        }
    }
    Ok(())
}

/// `.with_timeout(2s, 1.2s left, src/main.rs:31)`: what was asked for, how it stands, and where.
fn print_scope(node: &Arc<Node>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(scope) = ScopeRef::of(node) else {
        return Ok(());
    };
    let made = &scope.own.made;
    match made.how {
        How::Cancel => f.write_str(".with_cancel(")?,
        How::Timeout(after) => write!(f, ".with_timeout({after:?}, ")?,
        How::Deadline => f.write_str(".with_deadline(")?,
        How::Merge => f.write_str(".merge(")?,
        #[cfg(any(feature = "signal", feature = "tokio-util"))]
        How::Bridge(method) => write!(f, ".{method}(")?,
    }
    if let Some(record) = scope.observe() {
        let how = if record.cancelled.is_deadline_exceeded() {
            "expired"
        } else {
            "cancelled"
        };
        write!(f, "{how}, ")?;
    } else if let (How::Timeout(_) | How::Deadline, Some(deadline)) =
        (made.how, &scope.own.deadline)
    {
        let left = deadline.at.saturating_duration_since(Instant::now());
        write!(f, "{left:.1?} left, ")?;
    }
    write!(f, "{}:{})", made.at.file(), made.at.line())
}
