//! One part of a message on the fast way: literals that were encoded once, and a recipient's values between them.
//!
//! Whatever goes wrong here gives nothing: the slow way, the whole part through the engine, then finds the words
//! for it. Both give the same text.

use minijinja::Environment;

use super::cut::{self, Piece};
use super::engine::{self, Bounded, MAX_PART, MAX_STEPS};
use super::values::Values;
use super::{Compiled, Part};
use crate::qp::{self, Encoding};

/// How one part is made.
pub(super) struct Body {
    pub(super) part: Part,
    pub(super) encoding: Encoding,
    /// `None` if it is rendered whole.
    pieces: Option<Vec<Piece<Literal>>>,
}

/// What every recipient gets.
pub(super) struct Literal {
    /// The text, encoded where the part is.
    bytes: Vec<u8>,
    /// Before that, in bytes.
    text_len: usize,
}

impl Body {
    /// Cuts a part whose template the engine has compiled, and compiles its units.
    pub(super) fn new(environment: &mut Environment<'static>, part: Part, source: &str) -> Self {
        let encoding =
            if part == Part::Subject { Encoding::QuotedPrintable } else { Encoding::for_text(source) };
        let pieces = (encoding == Encoding::QuotedPrintable).then(|| cut::cut(source)).flatten();
        let pieces = pieces.and_then(|pieces| {
            pieces.into_iter().enumerate().map(|(n, piece)| compile(environment, part, n, piece)).collect()
        });
        Self { part, encoding, pieces }
    }

    /// Whether recipients' values are spliced in, and not the whole part rendered.
    #[cfg(test)]
    pub(super) fn is_cut(&self) -> bool {
        self.pieces.is_some()
    }

    /// Appends the part as it travels.
    pub(super) fn write(&self, compiled: &Compiled, values: &Values<'_>, out: &mut Vec<u8>) -> Option<()> {
        let Some(pieces) = &self.pieces else {
            self.encoding.encode(&self.whole(compiled, values)?, out);
            return Some(());
        };
        self.chunks(pieces, compiled, values, |chunk| match chunk {
            Chunk::Literal(bytes) => {
                qp::soft_break(out);
                out.extend_from_slice(bytes);
            }
            Chunk::Value("") => {}
            Chunk::Value(text) => {
                qp::soft_break(out);
                qp::encode(text, out);
            }
        })
    }

    /// The part as text, for one whose literals are not encoded.
    pub(super) fn text(&self, compiled: &Compiled, values: &Values<'_>) -> Option<String> {
        let Some(pieces) = &self.pieces else { return self.whole(compiled, values) };
        let mut out = Vec::new();
        self.chunks(pieces, compiled, values, |chunk| match chunk {
            Chunk::Literal(bytes) => out.extend_from_slice(bytes),
            Chunk::Value(text) => out.extend_from_slice(text.as_bytes()),
        })?;
        String::from_utf8(out).ok()
    }

    fn whole(&self, compiled: &Compiled, values: &Values<'_>) -> Option<String> {
        engine::render(&compiled.environment, self.part, values.root()?).ok()
    }

    /// Emits what the pieces become, in their order and within the bounds of a part.
    fn chunks(
        &self,
        pieces: &[Piece<Literal>],
        compiled: &Compiled,
        values: &Values<'_>,
        mut emit: impl FnMut(Chunk<'_>),
    ) -> Option<()> {
        let mut bounds = Bounds::default();
        for piece in pieces {
            let text = match piece {
                Piece::Literal(literal) => {
                    bounds.grow(literal.text_len)?;
                    emit(Chunk::Literal(&literal.bytes));
                    continue;
                }
                Piece::Value(value) => values.escaped(value, self.part)?,
                Piece::Unit(name) => unit(&compiled.environment, name, values, &mut bounds)?.into(),
            };
            bounds.grow(text.len())?;
            emit(Chunk::Value(&text));
        }
        Some(())
    }
}

/// What goes into a part.
enum Chunk<'a> {
    /// As it stands.
    Literal(&'a [u8]),
    /// Text that is escaped and not yet encoded.
    Value(&'a str),
}

fn compile(
    environment: &mut Environment<'static>,
    part: Part,
    number: usize,
    piece: Piece,
) -> Option<Piece<Literal>> {
    Some(match piece {
        Piece::Literal(text) => {
            let mut bytes = Vec::new();
            match part {
                Part::Subject => bytes.extend_from_slice(text.as_bytes()),
                Part::Html | Part::Text => qp::encode(&text, &mut bytes),
            }
            Piece::Literal(Literal { bytes, text_len: text.len() })
        }
        Piece::Value(value) => Piece::Value(value),
        Piece::Unit(source) => {
            // Escaping goes by the begin of the name.
            let name = format!("{} {number}", part.name());
            environment.add_template_owned(name.clone(), source).ok()?;
            Piece::Unit(name)
        }
    })
}

fn unit(
    environment: &Environment<'static>,
    name: &str,
    values: &Values<'_>,
    bounds: &mut Bounds,
) -> Option<String> {
    let template = environment.get_template(name).ok()?;
    let out = &mut Bounded(Vec::with_capacity(template.source().len()));
    let captured = template.render_captured_to(values.root()?, &mut *out).ok()?;
    let (steps, _) = captured.state().fuel_levels()?;
    bounds.steps += steps;
    if bounds.steps > MAX_STEPS {
        return None;
    }
    String::from_utf8(std::mem::take(&mut out.0)).ok()
}

/// What a part has used of its share.
#[derive(Default)]
struct Bounds {
    bytes: usize,
    steps: u64,
}

impl Bounds {
    fn grow(&mut self, bytes: usize) -> Option<()> {
        self.bytes += bytes;
        (self.bytes <= MAX_PART).then_some(())
    }
}
