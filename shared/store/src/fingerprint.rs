//! A digest of what a transaction writes: equal writes have equal digests, whatever the order of attributes.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest, Sha256};

use crate::Store;
use crate::write::{Action, Write};

/// How many hexadecimal digits the digest has: a client token takes at most 36 characters.
const DIGITS: usize = 32;

/// The digest of `writes` in the tables of `store`.
pub(crate) fn fingerprint(store: &Store, writes: &[Write]) -> String {
    let mut hash = Sha256::new();
    for write in writes {
        field(&mut hash, store.table(write.table).as_bytes());
        field(&mut hash, write.key.pk.as_bytes());
        field(&mut hash, write.key.sk.as_bytes());
        match &write.action {
            Action::Put(item) => attributes(&mut hash, item.iter()),
            Action::Update => field(&mut hash, write.expression.text().as_bytes()),
            Action::Delete => field(&mut hash, b"delete"),
            Action::Check => field(&mut hash, b"check"),
        }
        field(&mut hash, write.condition().unwrap_or_default().as_bytes());
        attributes(&mut hash, write.sorted_values());
    }
    let digest = hash.finalize();
    digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// Lengths keep neighbours apart: `ab`, `c` is not `a`, `bc`.
fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

fn attributes<'a>(hash: &mut Sha256, all: impl Iterator<Item = (&'a String, &'a AttributeValue)>) {
    let sorted: BTreeMap<_, _> = all.collect();
    field(hash, &sorted.len().to_be_bytes());
    for (name, value) in sorted {
        field(hash, name.as_bytes());
        attribute(hash, value);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum grows")]
fn attribute(hash: &mut Sha256, value: &AttributeValue) {
    match value {
        AttributeValue::S(text) => field(hash, text.as_bytes()),
        AttributeValue::N(digits) => field(hash, digits.as_bytes()),
        AttributeValue::B(blob) => field(hash, blob.as_ref()),
        AttributeValue::Bool(flag) => field(hash, &[u8::from(*flag)]),
        AttributeValue::M(map) => attributes(hash, map.iter()),
        AttributeValue::L(list) => {
            field(hash, &list.len().to_be_bytes());
            list.iter().for_each(|value| attribute(hash, value));
        }
        // The store writes no sets and no nulls.
        other => field(hash, format!("{other:?}").as_bytes()),
    }
}
