//! Options from variables: `RAG_ASK_TEMPERATURE` is `temperature` of `ask`. Other variables that
//! begin with `RAG_` are none.

use std::ffi::OsString;

use rag_core::options::{Entry, Kind, Table, Value, tables};
use rag_core::{Error, Result};

use super::file::{known, refused};
use super::origin::{Origin, Setting};

/// Those of `variables` that set options; an empty one sets nothing.
pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Setting>> {
    let tables = tables();
    let mut settings = Vec::new();
    for (variable, value) in variables {
        let Some(variable) = variable.to_str() else { continue };
        let Some(name) = variable.strip_prefix("RAG_").filter(|_| !value.is_empty()) else {
            continue;
        };
        let name = name.to_lowercase();
        let of = |table: &&Table| option_of(table, &name).is_some();
        let Some(table) = tables.iter().find(of) else { continue };
        let option = option_of(table, &name).unwrap_or_default();
        let Some(text) = value.to_str() else {
            return Err(Error::invalid(variable.to_owned(), "it is not UTF-8"));
        };
        let origin = Origin::Variable(variable.to_owned());
        let entry = known(table, option, &origin)?;
        let value = value_of(entry, text);
        let value = (table.read)(entry.name, value)
            .map_err(|fault| refused(table, entry.name, fault, &origin))?;
        settings.push(Setting { group: table.group, name: entry.name, value, origin });
    }
    Ok(settings)
}

/// The option of this table that a variable names.
fn option_of<'a>(table: &Table, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(table.group)?.strip_prefix('_')
}

/// Several values are written as JSON; one value of a list may stand for itself.
fn value_of(entry: &Entry, text: &str) -> Value {
    let is_several =
        matches!(entry.field.kind, Kind::List(_) | Kind::Form { name: "metadata", .. });
    match serde_json::from_str(text) {
        Ok(json @ (serde_json::Value::Array(_) | serde_json::Value::Object(_))) if is_several => {
            Value::from_json(&json)
        }
        _ => Value::Written(text.to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn set(variable: &str, value: &str) -> Result<Vec<(&'static str, &'static str, Value)>> {
        let pair = std::iter::once((variable.into(), value.into()));
        let of = |setting: Setting| (setting.group, setting.name, setting.value);
        Ok(read(pair)?.into_iter().map(of).collect())
    }

    #[test]
    fn variables_are_options_of_their_group() {
        let top_k = ("search", "top_k", Value::Integer(9));
        assert_eq!(set("RAG_SEARCH_TOP_K", "9").unwrap(), [top_k]);
        let stop = Value::List(vec!["a".into(), "b".into()]);
        assert_eq!(set("RAG_ASK_STOP", "[\"a\", \"b\"]").unwrap(), [("ask", "stop", stop)]);
        let one = Value::List(vec!["a".into()]);
        assert_eq!(set("RAG_ASK_STOP", "a").unwrap(), [("ask", "stop", one)]);
        for other in ["RAG_MODELS", "RAG_CACHE", "RAG_TEST_MODELS", "HOME", "RAG_ASK", "RAG_SHARED"]
        {
            assert!(set(other, "x").unwrap().is_empty(), "{other}");
        }
        assert!(set("RAG_ASK_SYSTEM", "").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_names_the_variable() {
        let line = set("RAG_ASK_TEMPRATURE", "1").unwrap_err().line();
        assert!(line.contains("nearest is temperature (variable RAG_ASK_TEMPRATURE)"), "{line}");
        let line = set("RAG_SEARCH_TOP_K", "0").unwrap_err().line();
        assert!(line.contains("search.top_k: 0 is outside 1 to 10,000"), "{line}");
    }
}
