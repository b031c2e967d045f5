use ctx::{Cancelled, Context, with_context};
use std::future::Future;

async fn one() -> usize {
    1
}

#[with_context]
fn load(text: &str) -> impl Future<Output = Result<usize, Cancelled>> + Send {
    let length = text.len();
    async move { Ok(length + one().await) }
}

async fn load_all(ctx: &Context) -> Result<usize, Cancelled> {
    let later = {
        let text = String::from("abc");
        load(ctx, &text)
    };
    later.await
}

fn main() {}
