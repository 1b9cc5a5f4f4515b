//! The `feedback` function's process. Wiring only.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanmail_runtime::Error> {
    fanmail_feedback::run().await
}
