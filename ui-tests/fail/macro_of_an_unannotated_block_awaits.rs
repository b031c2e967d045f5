use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let outer = async {
        macro_rules! twice {
            ($future:expr) => {
                2 * $future.await
            };
        }
        let inner = #[with_context]
        async {
            Ok::<u32, Cancelled>(twice!(one()))
        };
        inner.await
    };
    outer.await
}

fn main() {}
