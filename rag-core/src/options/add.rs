//! Options of adding a text.

use std::collections::BTreeMap;

use super::value::{Fault, Value};
use super::{Kind, OptionValue, options};

/// Names and texts, in the order of the names.
pub type Metadata = BTreeMap<String, String>;

impl OptionValue for Metadata {
    const KIND: Kind = Kind::Form { name: "metadata", syntax: "names, each with a text" };

    fn read(value: Value) -> Result<Self, Fault> {
        let Value::Map(pairs) = value else {
            return Err(Fault::of_type("names, each with a text", &value));
        };
        pairs
            .into_iter()
            .map(|(key, value)| Ok((String::read(key)?, String::read(value)?)))
            .collect()
    }

    fn show(&self) -> Value {
        Value::Map(self.iter().map(|(k, v)| (k.as_str().into(), v.as_str().into())).collect())
    }
}

options! {
    /// How to add a text.
    #[derive(Debug, Clone)]
    pub struct AddOptions("add") {
        /// What is said of the text, as names and texts, to filter by.
        metadata: Metadata = Metadata::new();
    }
    check(|_| Ok(()))
}
