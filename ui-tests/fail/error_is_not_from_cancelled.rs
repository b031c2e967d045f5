use ctx::with_context;

async fn one() -> u32 {
    1
}

#[derive(Debug)]
enum AppError {
    NoSuchRow,
}

#[with_context]
async fn load() -> Result<u32, AppError> {
    match one().await {
        0 => Err(AppError::NoSuchRow),
        _ => Ok(one().await),
    }
}

fn main() {}
