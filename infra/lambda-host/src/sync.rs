//! Two small things that every part needs: locks that outlive a panic, and connections that do not wait.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;

/// Locks `mutex`, also after another thread panicked while holding it: every value guarded here is valid between
/// any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has small answers sent at once instead of waiting for the acknowledgement of what went before.
pub(crate) fn send_at_once(connection: &mut TcpStream) {
    // Without it the answer is late, not lost.
    let _ = connection.set_nodelay(true);
}
