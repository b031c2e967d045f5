use ctx::with_context;

async fn one() -> u32 {
    1
}

struct Pool(u32);

#[with_context]
impl Pool {
    fn load(&self) -> impl Future<Output = u32> + '_ {
        let number = &self.0;
        async move { number + one().await }
    }
}

fn main() {}
