//! What one write does and on which condition, apart from how it is sent.
//!
//! The same description serves a request of its own ([`crate::conditional`]) and an action of a transaction
//! ([`crate::transaction`]). Attribute names are always placeholders, so that no reserved word of DynamoDB
//! can be hit.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::attributes::{Item, flag, number};
use crate::keys::{Key, PK};

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Audience,
    Campaigns,
}

impl Table {
    pub(crate) const BOTH: [Self; 2] = [Self::Audience, Self::Campaigns];
}

/// What is done to the item.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Put(Item),
    /// As [`Write::expression`] says.
    Update,
    Delete,
    /// Nothing: only the condition matters.
    Check,
}

/// The parts of an update expression.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expression {
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
}

/// One write of one item, on the condition that all of `conditions` hold.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) action: Action,
    /// Empty where nothing is updated.
    pub(crate) expression: Expression,
    conditions: Vec<String>,
    names: BTreeMap<String, String>,
    values: BTreeMap<String, AttributeValue>,
}

impl Write {
    pub(crate) fn put(table: Table, item: Item) -> Self {
        Self::new(table, Key::of(&item), Action::Put(item))
    }

    pub(crate) fn update(table: Table, key: Key) -> Self {
        Self::new(table, key, Action::Update)
    }

    pub(crate) fn delete(table: Table, key: Key) -> Self {
        Self::new(table, key, Action::Delete)
    }

    pub(crate) fn check(table: Table, key: Key) -> Self {
        Self::new(table, key, Action::Check)
    }

    fn new(table: Table, key: Key, action: Action) -> Self {
        let (names, values) = (BTreeMap::new(), BTreeMap::new());
        let (expression, conditions) = (Expression::default(), Vec::new());
        Self { table, key, action, expression, conditions, names, values }
    }

    pub(crate) fn set(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value("set", name, value));
        self.expression.set.push(format!("{name} = {value}"));
        self
    }

    pub(crate) fn set_or_remove(mut self, name: &str, value: Option<AttributeValue>) -> Self {
        if let Some(value) = value {
            return self.set(name, value);
        }
        let name = self.name(name);
        self.expression.remove.push(name);
        self
    }

    pub(crate) fn add(mut self, name: &str, delta: impl ToString) -> Self {
        let (name, value) = (self.name(name), self.value("add", name, number(delta)));
        self.expression.add.push(format!("{name} {value}"));
        self
    }

    pub(crate) fn if_absent(mut self) -> Self {
        let key = self.name(PK);
        self.conditions.push(format!("attribute_not_exists({key})"));
        self
    }

    pub(crate) fn if_present(mut self) -> Self {
        let key = self.name(PK);
        self.conditions.push(format!("attribute_exists({key})"));
        self
    }

    pub(crate) fn if_equal(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value("if", name, value));
        self.conditions.push(format!("{name} = {value}"));
        self
    }

    /// The same of an item that leaves `name` out where it has this value: one that `beside` tells from others that
    /// have no `name` either.
    pub(crate) fn if_equal_or_left_out(mut self, name: &str, value: AttributeValue, beside: &str) -> Self {
        let (name, value, beside) = (self.name(name), self.value("if", name, value), self.name(beside));
        let left_out = format!("attribute_not_exists({name}) AND attribute_exists({beside})");
        self.conditions.push(format!("({name} = {value} OR {left_out})"));
        self
    }

    pub(crate) fn if_true(self, name: &str) -> Self {
        self.if_equal(name, flag(true))
    }

    pub(crate) fn if_same(mut self, left: &str, right: &str) -> Self {
        let (left, right) = (self.name(left), self.name(right));
        self.conditions.push(format!("{left} = {right}"));
        self
    }

    /// Two numbers of the item; nothing is demanded while there is no bound.
    pub(crate) fn if_below(mut self, name: &str, bound: &str) -> Self {
        let (name, bound) = (self.name(name), self.name(bound));
        self.conditions.push(format!("(attribute_not_exists({bound}) OR {name} < {bound})"));
        self
    }

    /// The condition of an optimistic write: revision `rev` follows the one that stands, 0 follows nothing.
    pub(crate) fn if_follows(self, name: &str, rev: u32) -> Self {
        match rev.checked_sub(1) {
            Some(before) => self.if_equal(name, number(before)),
            None => self.if_absent(),
        }
    }

    pub(crate) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone().into_iter().collect())
    }

    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone().into_iter().collect())
    }

    pub(crate) fn sorted_values(&self) -> impl Iterator<Item = (&String, &AttributeValue)> {
        self.values.iter()
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, role: &str, name: &str, value: AttributeValue) -> String {
        let placeholder = format!(":{role}_{name}");
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}

impl Expression {
    pub(crate) fn text(&self) -> String {
        let clause = |verb: &str, parts: &[String]| {
            (!parts.is_empty()).then(|| format!("{verb} {}", parts.join(", ")))
        };
        let clauses = [clause("SET", &self.set), clause("REMOVE", &self.remove), clause("ADD", &self.add)];
        clauses.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;
    use fanmail_domain::ListId;

    #[test]
    fn an_update_names_every_attribute_by_a_placeholder() {
        let write = Write::update(Table::Campaigns, keys::list(ListId(1)))
            .set("until", number(5))
            .set_or_remove("holder", None)
            .set_or_remove("cursor", Some(number(9)))
            .add("done", 1)
            .if_equal("rev", number(2))
            .if_equal_or_left_out("age", number(0), "born")
            .if_same("done", "created")
            .if_below("done", "last_at");
        assert_eq!(
            write.expression.text(),
            "SET #until = :set_until, #cursor = :set_cursor REMOVE #holder ADD #done :add_done"
        );
        assert_eq!(
            write.condition().as_deref(),
            Some(
                "#rev = :if_rev AND \
                 (#age = :if_age OR attribute_not_exists(#age) AND attribute_exists(#born)) AND #done = #created AND \
                 (attribute_not_exists(#last_at) OR #done < #last_at)"
            )
        );
        assert_eq!((write.names().unwrap().len(), write.values().unwrap().len()), (9, 5));
    }

    #[test]
    fn the_first_revision_follows_nothing() {
        let item = keys::list(ListId(1)).into_item();
        let put = |rev| Write::put(Table::Audience, item.clone()).if_follows("rev", rev).condition();
        assert_eq!(put(0).as_deref(), Some("attribute_not_exists(#pk)"));
        assert_eq!(put(7).as_deref(), Some("#rev = :if_rev"));
    }
}
