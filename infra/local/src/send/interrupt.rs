//! Ctrl-C, and the request to end that a service manager makes (SIGTERM).
//!
//! The first one asks for an orderly end, the second one for an end at once. The third one is not asked about:
//! it ends the process where it stands, in case the end itself hangs.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// What a shell reports of a command that Ctrl-C ended: 128 and the signal's number, 2.
const ENDED_BY_CTRL_C: i32 = 130;

/// Counts the requests to end from the moment it is made.
#[derive(Debug, Clone)]
pub struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    /// Begins to listen; from now on Ctrl-C ends nothing by itself.
    ///
    /// # Errors
    ///
    /// The system's, if signals cannot be listened to.
    pub fn listen() -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let (count, counted) = watch::channel(0);
        tokio::spawn(listen(interrupt, terminate, count));
        Ok(Self(counted))
    }

    /// Waits until an end was asked for.
    pub async fn first(&self) {
        self.at_least(1).await;
    }

    /// Waits until an end at once was asked for.
    pub async fn second(&self) {
        self.at_least(2).await;
    }

    async fn at_least(&self, wanted: u32) {
        // The listener lives as long as the runtime, so waiting cannot fail before that ends.
        let _ = self.0.clone().wait_for(|count| *count >= wanted).await;
    }
}

async fn listen(mut interrupt: Signal, mut terminate: Signal, count: watch::Sender<u32>) {
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        count.send_modify(|count| *count += 1);
        if *count.borrow() > 2 {
            std::process::exit(ENDED_BY_CTRL_C);
        }
    }
}
