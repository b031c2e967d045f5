use ctx::{Cancelled, MissingValue, ctx_value, with_context};

ctx_value! { USER: String; }

struct AppError;

impl From<Cancelled> for AppError {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

impl From<MissingValue> for AppError {
    fn from(_: MissingValue) -> Self {
        Self
    }
}

fn key() -> &'static ctx::Key<String> {
    &USER
}

#[with_context]
async fn load(#[value(key())] user: &String) -> Result<usize, AppError> {
    Ok(user.len())
}

fn main() {}
