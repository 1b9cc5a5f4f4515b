//! BDAT (RFC 3030, section 2): a message whose octets are counted.
//!
//! Each chunk brings its size, and that many octets follow at once: whatever is in them and whatever the answer
//! will be, they are taken before it and are never looked at for commands. So a refusal comes after them, too;
//! only a BDAT without a size that can be read ends the connection.
//!
//! A refused BDAT ends its transaction, unless it lacked nothing but a recipient: what follows is answered as
//! after RSET, and further chunks of the message get 503. RFC 3030 leaves that open ("indeterminate") and asks the
//! client for RSET, which is harmless here.

use std::io;

use bytes::{Bytes, BytesMut};

use super::Flow;
use super::command::{Chunk, Refusal};
use super::instead::Instead;
use super::session::Session;
use super::transaction::{Envelope, TOO_LARGE};
use crate::script::Phase;

const BAD_CHUNK: Refusal = (501, "5.5.4", "syntax: BDAT size [LAST]");
const NOT_NOW: Refusal = (503, "5.5.1", "the message has begun; BDAT or RSET");

/// The chunks of a message that is not complete.
#[derive(Debug, Default)]
pub(super) struct Chunks(BytesMut);

impl Chunks {
    /// Copied: what is kept must not keep a whole buffer of input with it.
    fn add(&mut self, chunk: &[u8]) {
        self.0.extend_from_slice(chunk);
    }

    /// The whole message. One of a single chunk stays where it was read.
    fn end_with(mut self, last: Bytes) -> Bytes {
        if self.0.is_empty() {
            return last;
        }
        self.add(&last);
        self.0.freeze()
    }
}

impl Session {
    /// Carries BDAT out; `None` is one whose size cannot be read, and so nor can anything behind it.
    pub(super) async fn bdat(&mut self, chunk: Option<Chunk>) -> io::Result<Flow> {
        let Some(chunk) = chunk else {
            self.refuse(BAD_CHUNK);
            return Ok(Flow::Close);
        };
        match self.take_ready() {
            Ok(envelope) => self.chunk(envelope, chunk).await,
            Err(refusal) => self.refuse_chunk(&chunk, refusal).await,
        }
    }

    /// What is wrong with a command that must not come between chunks.
    pub(super) fn between_chunks(&self) -> Option<Refusal> {
        let begun = self.envelope.as_ref().is_some_and(|envelope| envelope.chunks.is_some());
        begun.then_some(NOT_NOW)
    }

    async fn chunk(&mut self, mut envelope: Envelope, chunk: Chunk) -> io::Result<Flow> {
        let earlier = envelope.chunks.take();
        if let Some(flow) = self.chunk_began(&envelope, earlier.as_ref(), &chunk).await? {
            return Ok(flow);
        }
        let mut chunks = earlier.unwrap_or_default();
        let room = self.shared.config.max_message_bytes.saturating_sub(chunks.0.len());
        let Some(size) = usize::try_from(chunk.size).ok().filter(|&size| size <= room) else {
            return self.refuse_chunk(&chunk, TOO_LARGE).await;
        };
        let Some(octets) = self.wire.next_octets(size).await? else { return Ok(Flow::Close) };
        if chunk.last {
            return self.settle(&envelope, &chunks.end_with(octets)).await;
        }
        chunks.add(&octets);
        envelope.chunks = Some(chunks);
        self.envelope = Some(envelope);
        self.wire.reply(250, "2.0.0", "chunk ok");
        Ok(Flow::Go)
    }

    /// The phases before the end: DATA with the first chunk, the body with the first octet. `None` to go on.
    async fn chunk_began(
        &mut self,
        envelope: &Envelope,
        earlier: Option<&Chunks>,
        chunk: &Chunk,
    ) -> io::Result<Option<Flow>> {
        let (director, rule) = (&envelope.director, envelope.rule);
        if earlier.is_none()
            && let Some(instead) = self.script_wants(director, rule, Phase::Data).await?
        {
            return self.instead_of_chunk(chunk, instead).await.map(Some);
        }
        if chunk.size == 0 || earlier.is_some_and(|chunks| !chunks.0.is_empty()) {
            return Ok(None);
        }
        if !self.wire.body_began().await? {
            return Ok(Some(Flow::Close));
        }
        self.script_acts(director, rule, Phase::Body).await
    }

    /// Hangs up at once, but answers behind the octets.
    async fn instead_of_chunk(&mut self, chunk: &Chunk, instead: Instead<'_>) -> io::Result<Flow> {
        let answers = matches!(instead, Instead::Reply { .. });
        if answers && !self.wire.skip(chunk.size).await? {
            return Ok(Flow::Close);
        }
        Ok(self.act(instead))
    }

    async fn refuse_chunk(&mut self, chunk: &Chunk, refusal: Refusal) -> io::Result<Flow> {
        if !self.wire.skip(chunk.size).await? {
            return Ok(Flow::Close);
        }
        Ok(self.refuse(refusal))
    }
}
