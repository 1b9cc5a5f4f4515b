//! Compiled contents of this process, the latest used at the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fanmail_domain::Content;

use super::{Compiled, TemplateError};

/// How many content versions are kept. A sender works on one campaign at a time, and on few in a row.
const CAPACITY: usize = 16;

type Result = std::result::Result<Arc<Compiled>, TemplateError>;

/// Compiles each content once, also one that does not compile. Compared is the whole content and not its version
/// alone, so that no campaign can ever be sent with the words of another.
#[derive(Default)]
pub(crate) struct Cache {
    entries: Mutex<Vec<(Content, Result)>>,
    compilations: AtomicU64,
}

impl Cache {
    pub(crate) fn get(&self, content: &Content) -> Result {
        // A panic elsewhere cannot leave the list half changed.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.iter().position(|(known, _)| known == content);
        let entry = match known {
            Some(at) if at + 1 == entries.len() => return entries[at].1.clone(),
            Some(at) => entries.remove(at),
            None => self.compile(content),
        };
        if entries.len() == CAPACITY {
            drop(entries.remove(0));
        }
        let compiled = entry.1.clone();
        entries.push(entry);
        compiled
    }

    fn compile(&self, content: &Content) -> (Content, Result) {
        self.compilations.fetch_add(1, Ordering::Relaxed);
        (content.clone(), Compiled::new(content).map(Arc::new))
    }

    pub(crate) fn compilations(&self) -> u64 {
        self.compilations.load(Ordering::Relaxed)
    }
}
