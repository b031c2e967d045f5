use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
fn load() {
    macro_rules! twice {
        ($future:expr) => {
            2 * $future.await
        };
    }
    let _ = #[with_context]
    async {
        Ok::<_, Cancelled>(vec![1, r#twice!(one())])
    };
}

fn main() {}
