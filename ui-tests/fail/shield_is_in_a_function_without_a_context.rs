async fn one() -> u32 {
    1
}

async fn load() -> u32 {
    #[shield]
    {
        one().await
    }
}

fn main() {}
