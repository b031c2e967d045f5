use ctx::with_context;

async fn two() -> Result<u32, String> {
    Ok(2)
}

#[with_context]
async fn load() -> String {
    match tokio::try_join!(two(), two()) {
        Ok((first, second)) => (first + second).to_string(),
        Err(error) => error,
    }
}

fn main() {}
