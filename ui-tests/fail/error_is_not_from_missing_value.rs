use ctx::{Cancelled, ctx_value, with_context};

ctx_value! { USER: String; }

struct AppError;

impl From<Cancelled> for AppError {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

#[with_context]
async fn load(#[value] user: &String, #[value(USER)] name: &String) -> Result<usize, AppError> {
    Ok(user.len() + name.len())
}

fn main() {}
