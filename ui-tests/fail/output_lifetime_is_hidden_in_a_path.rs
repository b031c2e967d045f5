use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

struct Text<'a>(&'a str);

#[with_context]
async fn trim(text: Text) -> Result<&str, Cancelled> {
    one().await;
    Ok(text.0)
}

fn main() {}
