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

#[with_context]
async fn load(#[value] #[value(USER)] user: &String) -> Result<usize, AppError> {
    Ok(user.len())
}

fn main() {}
