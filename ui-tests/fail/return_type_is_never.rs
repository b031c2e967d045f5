use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
async fn serve() -> ! {
    loop {
        one().await;
    }
}

fn main() {}
