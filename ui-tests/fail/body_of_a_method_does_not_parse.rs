use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

struct Service;

#[with_context]
impl Service {
    async fn load(&self) -> Result<u32, Cancelled> {
        let number = one().await +;
        Ok(number)
    }

    async fn load_all(&self) -> Result<u32, Cancelled> {
        Ok(self.load(ctx).await? + self.load(ctx).await?)
    }
}

fn main() {}
