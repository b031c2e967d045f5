//! Sixteen annotated functions in each other, and how such chains are made.
//!
//! `chain` has one function that calls itself. A processor tells its levels apart by nothing but the branches that it
//! has just seen, and from some depth on it guesses; a program's levels are functions of their own.

use crate::{chain::Boxed, leaf::Leaf};
use ctx::{Cancelled, with_context};
use std::hint::black_box;

/// Makes fourteen functions, each of which awaits the one after it. The first is `second`, and what the last one awaits
/// is `innermost`.
macro_rules! levels {
    ($level:ident) => {
        $level!(second, third);
        $level!(third, fourth);
        $level!(fourth, fifth);
        $level!(fifth, sixth);
        $level!(sixth, seventh);
        $level!(seventh, eighth);
        $level!(eighth, ninth);
        $level!(ninth, tenth);
        $level!(tenth, eleventh);
        $level!(eleventh, twelfth);
        $level!(twelfth, thirteenth);
        $level!(thirteenth, fourteenth);
        $level!(fourteenth, fifteenth);
        $level!(fifteenth, innermost);
    };
}

macro_rules! annotated {
    ($this:ident, $next:ident) => {
        #[with_context]
        pub(crate) async fn $this(yields: u32) -> Result<(), Cancelled> {
            let inner: Boxed<'_, _> = Box::pin($next(ctx, yields));
            inner.await
        }
    };
}

annotated!(outermost, second);
levels!(annotated);

#[with_context]
async fn innermost(yields: u32) -> Result<(), Cancelled> {
    for _ in 0..yields {
        Leaf(black_box(1)).await;
    }
    Ok(())
}
