//! Filters as pairs of a field and what it must be, beside the text form: what programs have at hand.

use super::value::{Fault, Value};
use super::{Forms, Kind, OptionValue};
use crate::store::{Comparison, Filter, FilterField};

const SYNTAX: &str = "a filter such as \"kind = pdf AND year >= 2020\"";

/// As a text, or as a map: `{"kind": "pdf", "year": {">=": 2020}, "lang": ["fr", "en"]}`. All pairs
/// must hold; of a list one.
impl OptionValue for Filter {
    const KIND: Kind = Kind::Form { name: "filter", syntax: SYNTAX };

    fn read(value: Value) -> Result<Self, Fault> {
        let Value::Map(pairs) = value else { return Forms::text(SYNTAX, value, Self::parse) };
        // removing by a filter that somebody forgot to fill in would remove everything
        if pairs.is_empty() {
            return Err(Fault::Value("it is empty: leave it out for all documents".to_owned()));
        }
        let parts: Vec<Filter> = pairs.iter().map(pair).collect::<Result<_, _>>()?;
        let filter = match <[Filter; 1]>::try_from(parts) {
            Ok([alone]) => alone,
            Err(parts) => Filter::All(parts),
        };
        filter.validate().map_err(|error| Fault::Value(error.reason()))?;
        Ok(filter)
    }

    fn show(&self) -> Value {
        Value::Text(self.to_string())
    }
}

/// What a field must be.
fn pair((field, wanted): &(Value, Value)) -> Result<Filter, Fault> {
    let name = scalar(field)?;
    let field = FilterField::of(&name);
    match wanted {
        Value::Map(tests) if !tests.is_empty() => {
            let tests = tests.iter().map(|(operator, value)| test(&field, operator, value));
            Ok(Filter::All(tests.collect::<Result<_, _>>()?))
        }
        Value::Map(_) => Err(Fault::Value(format!("nothing is asked of {name:?}"))),
        wanted => equal(&field, wanted),
    }
}

/// One comparison: `">=": 2020`, `"glob": "drafts/*"`, `"in": ["fr", "en"]`.
fn test(field: &FilterField, operator: &Value, value: &Value) -> Result<Filter, Fault> {
    let operator = scalar(operator)?;
    match operator.as_str() {
        "glob" => Ok(Filter::Glob(field.clone(), scalar(value)?)),
        "in" => equal(field, value),
        _ => match Comparison::of(&operator) {
            Some(how) => Ok(Filter::Compare(field.clone(), how, scalar(value)?)),
            None => Err(Fault::Value(format!("{operator:?} is not one of = != < <= > >= glob in"))),
        },
    }
}

/// Equal to the value, or to one of several.
fn equal(field: &FilterField, value: &Value) -> Result<Filter, Fault> {
    let compare =
        |value: &Value| Ok(Filter::Compare(field.clone(), Comparison::Equal, scalar(value)?));
    match value {
        Value::List(values) => {
            Ok(Filter::Any(values.iter().map(compare).collect::<Result<_, _>>()?))
        }
        value => compare(value),
    }
}

/// A text, number or flag as a filter has it.
fn scalar(value: &Value) -> Result<String, Fault> {
    match value {
        Value::Text(text) | Value::Written(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Number(number) if number.is_finite() => Ok(number.to_string()),
        Value::Flag(flag) => Ok(flag.to_string()),
        other => Err(Fault::of_type("texts and numbers", other)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Filter, Fault> {
        Filter::read(Value::from_json(&serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn pairs_say_what_a_text_says() {
        for (pairs, text) in [
            (r#"{"kind": "pdf"}"#, "kind = pdf"),
            (r#"{"path": {"glob": "a/*"}}"#, "path glob 'a/*'"),
            (r#"{"year": 2020}"#, "year = 2020"),
            (r#"{"lang": ["fr", "en"]}"#, "lang in (fr, en)"),
        ] {
            let strip = |filter: Filter| match filter {
                Filter::All(mut parts) if parts.len() == 1 => parts.remove(0),
                other => other,
            };
            assert_eq!(strip(read(pairs).unwrap()), Filter::parse(text).unwrap(), "{pairs}");
        }
        let both = read(r#"{"kind": "pdf", "year": {">=": 2020, "<": 2024.5}}"#).unwrap();
        assert_eq!(
            both.to_string(),
            "(kind = 'pdf') AND ((meta.year >= '2020') AND (meta.year < '2024.5'))"
        );
        assert_eq!(Filter::parse(&both.to_string()).unwrap().to_string(), both.to_string());
        for wrong in [
            "{}",
            r#"{"a": null}"#,
            r#"{"a": {}}"#,
            r#"{"a": {"~": 1}}"#,
            r#"{"a": [[1]]}"#,
            "[]",
            "3",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
