use ctx::CancelScope;

fn give_away(scope: &CancelScope) -> CancelScope {
    scope.clone()
}

fn main() {}
