//! The report of a cancellation, for people.

use crate::error::{Cancelled, Trigger};
use std::{error::Error, fmt};

pub(crate) struct Report<'a>(pub(crate) &'a Cancelled);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cancelled = self.0;
        write!(f, "{cancelled}")?;
        self.end(f)?;
        if let Some(noticed) = cancelled.noticed_at() {
            write!(f, "\n  noticed:  {noticed}")?;
        }
        let Some(cause) = cancelled.cause() else {
            return Ok(());
        };
        write!(f, "\n  cause:    {}", Link(cause))?;
        let mut source = cause.source();
        while let Some(error) = source {
            write!(f, "\n  because:  {}", Link(error))?;
            source = error.source();
        }
        Ok(())
    }
}

impl Report<'_> {
    fn end(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.0.cancelled_at();
        match (self.0.trigger(), self.0.after()) {
            (Trigger::Call, _) => write!(f, "\n  by:       {at}"),
            (Trigger::Dropped, _) => write!(
                f,
                "\n  by:       the end of the scope made at {at} (was it a temporary?)"
            ),
            (Trigger::Deadline, Some(after)) => {
                write!(f, "\n  deadline: {after:?}, set at {at}")
            }
            (Trigger::Deadline, None) => write!(f, "\n  deadline: set at {at}"),
        }
    }
}

/// One error of those that led to the cancellation. Another cancellation says by its words neither who nor where.
struct Link<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0.downcast_ref::<Cancelled>() {
            Some(cancelled) => write!(f, ", {}", cancelled.cancelled_at()),
            None => Ok(()),
        }
    }
}
