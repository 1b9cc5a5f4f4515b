//! One part of a message on the fast way: literals that were encoded once, and a recipient's values between them.
//!
//! Whatever goes wrong here gives nothing: the slow way, the whole part through the engine, then finds the words
//! for it. Both give the same text.

use minijinja::Environment;

use super::cut::{self, Cut, Piece};
use super::engine::{self, Bounded, MAX_PART};
use super::values::Values;
use super::{Compiled, Part};
use crate::qp::{self, Encoding};

/// How one part is made.
pub(super) struct Body {
    pub(super) part: Part,
    pub(super) encoding: Encoding,
    /// `None` if it is rendered whole.
    pieces: Option<Pieces>,
}

/// A part that was cut.
struct Pieces {
    pieces: Vec<Piece<Literal>>,
    /// The name of the units' template, if there are any.
    units: Option<String>,
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
        let cut = (encoding == Encoding::QuotedPrintable).then(|| cut::cut(source)).flatten();
        let pieces = cut.and_then(|cut| Pieces::new(environment, part, cut));
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
        Pieces { pieces, units }: &Pieces,
        compiled: &Compiled,
        values: &Values<'_>,
        mut emit: impl FnMut(Chunk<'_>),
    ) -> Option<()> {
        let render = |name: &String| units_of(&compiled.environment, name, values);
        let units = units.as_ref().map_or(Some(String::new()), render)?;
        let (mut units, mut len) = (units.split(cut::MARK), 0);
        for piece in pieces {
            let text = match piece {
                Piece::Literal(literal) => {
                    grow(&mut len, literal.text_len)?;
                    emit(Chunk::Literal(&literal.bytes));
                    continue;
                }
                Piece::Value(value) => values.escaped(value, self.part)?,
                Piece::Unit => units.next()?.into(),
            };
            grow(&mut len, text.len())?;
            emit(Chunk::Value(&text));
        }
        Some(())
    }
}

impl Pieces {
    fn new(environment: &mut Environment<'static>, part: Part, cut: Cut) -> Option<Self> {
        let units = if cut.units.is_empty() {
            None
        } else {
            // Escaping goes by the begin of the name.
            let name = format!("{}: units", part.name());
            environment.add_template_owned(name.clone(), cut.units).ok()?;
            Some(name)
        };
        let pieces = cut.pieces.into_iter().map(|piece| encoded(part, piece)).collect();
        Some(Self { pieces, units })
    }
}

/// What goes into a part.
enum Chunk<'a> {
    /// As it stands.
    Literal(&'a [u8]),
    /// Text that is escaped and not yet encoded.
    Value(&'a str),
}

fn encoded(part: Part, piece: Piece) -> Piece<Literal> {
    match piece {
        Piece::Literal(text) => {
            let mut bytes = Vec::new();
            match part {
                Part::Subject => bytes.extend_from_slice(text.as_bytes()),
                Part::Html | Part::Text => qp::encode(&text, &mut bytes),
            }
            Piece::Literal(Literal { bytes, text_len: text.len() })
        }
        Piece::Value(value) => Piece::Value(value),
        Piece::Unit => Piece::Unit,
    }
}

/// What the units become, a mark behind each.
fn units_of(environment: &Environment<'static>, name: &str, values: &Values<'_>) -> Option<String> {
    let template = environment.get_template(name).ok()?;
    let mut out = Bounded(Vec::with_capacity(template.source().len()));
    template.render_captured_to(values.root()?, &mut out).ok()?;
    String::from_utf8(out.0).ok()
}

/// Adds to the length of a part, as long as it is within its bounds.
fn grow(len: &mut usize, by: usize) -> Option<()> {
    *len += by;
    (*len <= MAX_PART).then_some(())
}
