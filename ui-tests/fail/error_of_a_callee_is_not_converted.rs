use ctx::{Cancelled, with_context};

#[derive(Debug)]
struct NoRow;

async fn find() -> Result<u32, NoRow> {
    Err(NoRow)
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(find().await?)
}

fn main() {}
