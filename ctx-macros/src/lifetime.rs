//! Lifetimes that an injected reference must not make ambiguous.

use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, GenericParam, Lifetime, LifetimeParam, ParenthesizedGenericArguments};
use syn::{Receiver, ReceiverKind, ReturnType, Signature, TraitBound, TypeFnPtr, TypeReference};

/// The lifetimes that stand in some types, written or elided.
#[derive(Default)]
struct Lifetimes {
    /// How many are elided: `&T`, `'_`.
    elided: usize,
    /// The distinct ones that are written.
    written: Vec<Lifetime>,
    /// Given to the elided ones in passing.
    name: Option<Lifetime>,
}

/// Names the lifetime that the output borrows from, where the compiler would find two candidates
/// once the context is there.
// Input:  async fn first(text: &str) -> Result<&str, AppError>
// Output: async fn first<'__ctx>(text: &'__ctx str) -> Result<&'__ctx str, AppError>
pub(crate) fn keep_elision(sig: &mut Signature) {
    if Lifetimes::of_output(&mut sig.output).elided > 0 && Lifetimes::of_receiver(sig).is_none() {
        name_elided(sig);
    }
}

/// Names the lifetime of an output like `Box<dyn Future + '_>`, which the context has to share, and
/// returns it. There is none where the output borrows from the context alone.
// Input:  fn load(&self) -> Pin<Box<dyn Future<Output = Row> + '_>>
// Output: fn load<'__ctx>(&'__ctx self) -> Pin<Box<dyn Future<Output = Row> + '__ctx>>
pub(crate) fn name_elided(sig: &mut Signature) -> Option<Lifetime> {
    let receiver = Lifetimes::of_receiver(sig);
    let from_receiver = receiver.is_some();
    let found = receiver.unwrap_or_else(|| Lifetimes::of_inputs(sig));
    let name = match (found.elided, found.written.as_slice()) {
        (0, [written]) => written.clone(),
        (1, []) => fresh(sig),
        _ => return None,
    };
    let mut naming = Lifetimes {
        name: Some(name.clone()),
        ..Lifetimes::default()
    };
    match sig.inputs.first_mut() {
        Some(FnArg::Receiver(receiver)) if from_receiver => naming.visit_receiver_mut(receiver),
        _ => naming.inputs(sig),
    }
    naming.visit_return_type_mut(&mut sig.output);
    Some(name)
}

/// The lifetimes that are written in the receiver.
pub(crate) fn of_receiver(sig: &mut Signature) -> Vec<Lifetime> {
    Lifetimes::of_receiver(sig).map_or_else(Vec::new, |found| found.written)
}

impl Lifetimes {
    fn of_output(output: &mut ReturnType) -> Lifetimes {
        let mut found = Lifetimes::default();
        found.visit_return_type_mut(output);
        found
    }

    /// The lifetimes of a receiver, from which alone an output borrows. A receiver by value has none.
    fn of_receiver(sig: &mut Signature) -> Option<Lifetimes> {
        let Some(FnArg::Receiver(receiver)) = sig.inputs.first_mut() else {
            return None;
        };
        let mut found = Lifetimes::default();
        found.visit_receiver_mut(receiver);
        (found.elided + found.written.len() > 0).then_some(found)
    }

    fn of_inputs(sig: &mut Signature) -> Lifetimes {
        let mut found = Lifetimes::default();
        found.inputs(sig);
        found
    }

    fn inputs(&mut self, sig: &mut Signature) {
        for input in &mut sig.inputs {
            if let FnArg::Typed(typed) = input {
                self.visit_type_mut(&mut typed.ty);
            }
        }
    }

    fn elided(&mut self, place: Span) -> Option<Lifetime> {
        self.elided += 1;
        self.name.as_ref().map(|name| moved(name, place))
    }
}

impl VisitMut for Lifetimes {
    fn visit_receiver_mut(&mut self, receiver: &mut Receiver) {
        match &mut receiver.kind {
            ReceiverKind::Reference(_, Some(lifetime), _) => self.visit_lifetime_mut(lifetime),
            ReceiverKind::Reference(and, lifetime @ None, _) => *lifetime = self.elided(and.span),
            _ => visit_mut::visit_receiver_mut(self, receiver),
        }
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        match &mut reference.lifetime {
            Some(lifetime) => self.visit_lifetime_mut(lifetime),
            lifetime => *lifetime = self.elided(reference.and_token.span),
        }
        self.visit_type_mut(&mut reference.elem);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            if let Some(name) = self.elided(lifetime.span()) {
                *lifetime = name;
            }
        } else if !self.written.contains(lifetime) {
            self.written.push(lifetime.clone());
        }
    }

    /// What is elided in `Fn(&T)`, in `fn(&T)` and under `for<'a>` belongs to these.
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {
    }

    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}

    fn visit_trait_bound_mut(&mut self, bound: &mut TraitBound) {
        if bound.lifetimes.is_none() {
            visit_mut::visit_trait_bound_mut(self, bound);
        }
    }
}

/// A new lifetime of the function.
fn fresh(sig: &mut Signature) -> Lifetime {
    let lifetime = Lifetime::new("'__ctx", Span::mixed_site());
    let parameter = LifetimeParam::new(moved(&lifetime, sig.ident.span()));
    let parameter = GenericParam::Lifetime(parameter);
    sig.generics.params.insert(0, parameter);
    lifetime
}

/// A lifetime that stands somewhere else, and still means the same. Lints and errors that tell of a type go from its
/// first token to its last.
fn moved(lifetime: &Lifetime, place: Span) -> Lifetime {
    let mut moved = lifetime.clone();
    moved.set_span(place.resolved_at(lifetime.span()));
    moved
}
