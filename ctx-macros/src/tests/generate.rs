//! Valid functions, made up at random, with a count of the awaits that must become checkpoints.

use super::random::Random;

/// A function, its attribute's arguments, and how many checkpoints its expansion has.
pub(super) struct Sample {
    pub(super) args: &'static str,
    pub(super) source: String,
    pub(super) checkpoints: usize,
}

/// Writes one function.
pub(super) fn function(random: &mut Random) -> Sample {
    let args = *random.pick(&[
        "",
        "",
        "owned",
        "checkpoints = between",
        "checkpoints = none",
        "crate = our::ctx",
    ]);
    let mut writer = Writer {
        random,
        counts: args != "checkpoints = none",
        ours: true,
        checkpoints: 0,
    };
    let shape = writer.random.below(4);
    let head = writer.head();
    // Most are small: a mistake shows in a small one too, and there are more of them in the same time.
    let depth = *writer.random.pick(&[1, 1, 1, 2, 2, 3]);
    let body = writer.block(depth);
    let source = match shape {
        0 => format!(
            "{head} -> impl Future<Output = Result<T, E>> {{ let x = 1; async move {body} }}"
        ),
        1 => format!(
            "{head} -> Pin<Box<dyn Future<Output = R> + 'a>> {{ Box::pin(async move {body}) }}"
        ),
        _ => format!("async {head} -> Result<T, E> {body}"),
    };
    let checkpoints = writer.checkpoints;
    Sample {
        args,
        source: format!("pub {source}"),
        checkpoints,
    }
}

struct Writer<'r> {
    random: &'r mut Random,
    /// Whether an await here becomes a checkpoint.
    counts: bool,
    /// Whether our attributes have a meaning here.
    ours: bool,
    checkpoints: usize,
}

impl Writer<'_> {
    fn head(&mut self) -> String {
        let generics = self
            .random
            .pick(&["<'a>", "<'a, T: Clone>", "<'a, T, const N: usize>"]);
        let receiver =
            self.random
                .pick(&["", "&'a self, ", "mut self, ", "self: Pin<&'a mut Self>, "]);
        let rest = self.random.pick(&[
            "",
            "x: u32",
            "(a, mut b): (u32, T), _: &'a str",
            "[x, ..]: [u8; 4]",
        ]);
        format!("fn made_up{generics}({receiver}{rest})")
    }

    fn block(&mut self, depth: usize) -> String {
        let count = self.random.below(4);
        let stmts: Vec<String> = (0..count).map(|_| self.statement(depth)).collect();
        let tail = self.expr(depth);
        format!("{{ {} {tail} }}", stmts.join(" "))
    }

    fn statement(&mut self, depth: usize) -> String {
        match self.random.below(10) {
            0 => format!("let mut x: u32 = {};", self.expr(depth)),
            1 => {
                let (value, otherwise) = (self.expr(depth), self.block(depth.saturating_sub(2)));
                format!("let Some(x) = ({value}) else {otherwise};")
            }
            2 => format!("x = {};", self.expr(depth)),
            3 => format!("x += {};", self.expr(depth)),
            4 => format!(
                "println!(\"{{}} {{y}}\", {}, y = {});",
                self.expr(depth),
                self.expr(depth)
            ),
            5 => format!("let ctx = ctx.with_timeout({});", self.expr(depth)),
            6 if self.ours => self.marked(depth),
            7 => format!(
                "fn nested() {}",
                self.scope(false, false, |writer| writer.block(1))
            ),
            8 => format!("loop {}", self.block(depth.saturating_sub(2))),
            _ => format!("{};", self.expr(depth)),
        }
    }

    /// A statement with one of our attributes.
    fn marked(&mut self, depth: usize) -> String {
        match self.random.below(4) {
            0 => format!("#[shield] let x = {};", self.expr(depth)),
            1 => format!("#[shield] {}", self.block(depth.saturating_sub(1))),
            2 => {
                let inside = self.scope(false, self.ours, |writer| writer.block(1));
                format!("#[checkpoints(none)] {inside}")
            }
            _ => {
                let inside = self.scope(true, self.ours, |writer| {
                    writer.block(depth.saturating_sub(1))
                });
                format!("#[checkpoints(between)] {inside}")
            }
        }
    }

    fn expr(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return self.leaf();
        };
        match self.random.below(25) {
            0..5 => self.awaited(depth),
            5 => format!("({}) + {}", self.expr(depth), self.expr(depth)),
            6 => format!("f({}, {})", self.expr(depth), self.expr(depth)),
            7 => format!(
                "{}.method::<u8>({})?",
                self.awaited(depth),
                self.expr(depth)
            ),
            8 => format!("({})[{}]", self.expr(depth), self.expr(depth)),
            9 => format!("&mut {}", self.awaited(depth)),
            10 => self.conditional(depth),
            11 => self.matched(depth),
            12 => self.other_scope(depth),
            13 => self.own_scope(depth),
            14 => self.std_macro(depth),
            15 => self.select(depth),
            16 => self.join(depth),
            17 if self.ours => format!("(#[shield] f({}))", self.expr(depth)),
            18 => format!("S {{ a: {}, b }}", self.expr(depth)),
            // SAFETY: the text of a program that is parsed and never run.
            19 => format!("unsafe {}", self.block(depth)),
            20 => format!("({}, {},)", self.expr(depth), self.expr(depth)),
            21 => format!("-*{}", self.awaited(depth)),
            22 => format!("info!({})", self.leaf()),
            23 => format!("{} * ({})", self.awaited(depth), self.expr(depth)),
            _ => self.leaf(),
        }
    }

    fn leaf(&mut self) -> String {
        let leaves = [
            "x",
            "ctx",
            "1",
            "f()",
            "self.a",
            "&ctx",
            "ctx.done()",
            "r#type::<T>()",
            "\"\"",
            "[0.5; 2]",
        ];
        (*self.random.pick(&leaves)).to_owned()
    }

    fn awaited(&mut self, depth: usize) -> String {
        let base = self.expr(depth);
        self.checkpoints += usize::from(self.counts);
        format!("({base}).await")
    }

    fn conditional(&mut self, depth: usize) -> String {
        let (condition, then) = (self.expr(depth), self.block(depth));
        match self.random.below(3) {
            0 => format!("if ({condition}) {then} else {}", self.block(depth)),
            1 => format!(
                "if let Some(x) = ({condition}) && x {then} else {}",
                self.block(depth)
            ),
            _ => format!("'a: while ({condition}) {then}"),
        }
    }

    fn matched(&mut self, depth: usize) -> String {
        let (value, guard) = (self.expr(depth), self.expr(depth));
        let (first, second) = (self.expr(depth), self.block(depth));
        format!("match ({value}) {{ Some(x) | Ok(x) if {guard} => {first}, _ => {second} }}")
    }

    /// A scope whose awaits are not the function's.
    fn other_scope(&mut self, depth: usize) -> String {
        let inside = self.scope(false, false, |writer| writer.block(depth.min(2)));
        match self.random.below(4) {
            0 => format!("async {inside}"),
            1 => format!("(async move {inside})"),
            2 => format!("(|x: u8| {inside})"),
            _ => format!("(async move |x| {inside})"),
        }
    }

    /// A scope that is annotated for itself.
    fn own_scope(&mut self, depth: usize) -> String {
        let inside = self.scope(true, true, |writer| writer.block(depth.min(2)));
        match self.random.below(2) {
            0 => format!("(#[with_context] async {inside})"),
            _ => format!("(#[with_context(checkpoints = between)] async |x: u8| -> R {inside})"),
        }
    }

    fn std_macro(&mut self, depth: usize) -> String {
        let (first, second) = (self.expr(depth), self.expr(depth));
        match self.random.below(5) {
            0 => format!("format!(\"{{}} {{x}}\", {first}, x = {second})"),
            1 => format!("std::vec![{first}; {second}]"),
            2 => format!("vec![{first}, {second},]"),
            3 => format!("matches!({first}, Some(x) if {second})"),
            _ => format!("dbg!({first}, {second})"),
        }
    }

    fn select(&mut self, depth: usize) -> String {
        let mut branches = Vec::new();
        for _ in 0..=self.random.below(3) {
            let future = self.expr(depth);
            self.checkpoints += usize::from(self.counts);
            let condition = if self.random.one_in(3) {
                format!(", if {}", self.expr(depth))
            } else {
                String::new()
            };
            let handler = if self.random.one_in(2) {
                self.block(depth.min(2))
            } else {
                format!("{},", self.expr(depth))
            };
            branches.push(format!("Some(x) = {future} {condition} => {handler}"));
        }
        let otherwise = match self.random.below(4) {
            0 => format!("else => {}", self.expr(depth)),
            // What starts like a `match` once it is expanded, and goes on.
            1 => format!("else => {} * ({})", self.awaited(depth), self.expr(depth)),
            _ => String::new(),
        };
        let biased = self.random.pick(&["", "biased;"]);
        let branches = branches.join(" ");
        format!("tokio::select! {{ {biased} {branches} {otherwise} }}")
    }

    fn join(&mut self, depth: usize) -> String {
        let name = self.random.pick(&[
            "tokio::join",
            "tokio::try_join",
            "futures::join",
            "futures::try_join",
        ]);
        let count = 1 + self.random.below(3);
        let branches: Vec<String> = (0..count).map(|_| self.expr(depth)).collect();
        self.checkpoints += count * usize::from(self.counts);
        format!("{name}!({})", branches.join(", "))
    }

    /// Writes the inside of another scope.
    fn scope(
        &mut self,
        counts: bool,
        ours: bool,
        write: impl FnOnce(&mut Self) -> String,
    ) -> String {
        let outside = (self.counts, self.ours);
        (self.counts, self.ours) = (counts, ours);
        let written = write(self);
        (self.counts, self.ours) = outside;
        written
    }
}
