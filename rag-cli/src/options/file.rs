//! Options from `rag.toml`: a table for each group of options.

use std::path::Path;

use rag_core::options::{Entry, Fault, Table, Value, tables};
use rag_core::{Error, Result, files};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::is_code;
use super::origin::{Origin, Setting};

/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// How a file came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It was named.
    Named,
    /// It stood beside a knowledge base, and may have come with it.
    Beside,
}

/// What the file at `path` sets.
///
/// # Errors
/// Io if it cannot be read or is no regular file; InvalidArgument, with its line, for what is wrong
/// in it.
pub(super) fn read(path: &Path, place: Place) -> Result<Vec<Setting>> {
    let io = |source| Error::io(path, source);
    let size = path.metadata().map_err(io)?.len();
    if size > MAX_BYTES {
        return Err(Error::invalid(
            path.display().to_string(),
            format!("{size} bytes, at most {MAX_BYTES}"),
        ));
    }
    let text = files::read_text(path).map_err(io)?;
    File { path, place, text: &text }.settings()
}

/// Why a file beside a knowledge base may not be of the caller's making.
#[cfg(unix)]
#[expect(unsafe_code, reason = "who we are is told by a system call")]
pub(super) fn is_foreign(path: &Path) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    // one that cannot be looked at cannot be read either, which is told then
    let metadata = path.metadata().ok()?;
    // SAFETY: takes nothing, changes nothing and cannot fail.
    let own = unsafe { libc::geteuid() };
    match metadata.uid() {
        owner if owner != own && owner != 0 => Some("it belongs to another user"),
        _ if metadata.mode() & 0o002 != 0 => Some("anybody may write to it"),
        _ => None,
    }
}

/// Why a file beside a knowledge base may not be of the caller's making.
#[cfg(not(unix))]
pub(super) fn is_foreign(_: &Path) -> Option<&'static str> {
    None
}

/// The option of this name, or an error that names the nearest one.
pub(super) fn known<'a>(table: &'a Table, name: &str, origin: &Origin) -> Result<&'a Entry> {
    match table.entries.iter().find(|entry| entry.name == name) {
        Some(entry) if is_code(entry) || (table.group, name) == ("open", "access") => {
            let reason = Fault::Type("it is not set from here".into());
            Err(refused(table, name, reason, origin))
        }
        Some(entry) => Ok(entry),
        // the table finds the nearest name
        None => {
            let fault = (table.read)(name, Value::Unset).err();
            Err(refused(table, name, fault.unwrap_or(Fault::Unknown(None)), origin))
        }
    }
}

/// The error for an option of this table.
pub(super) fn refused(table: &Table, name: &str, fault: Fault, origin: &Origin) -> Error {
    let reason = fault.into_error(name).reason();
    Error::invalid(format!("{}.{name}", table.group), format!("{reason} ({origin})"))
}

/// Why a file that may have come with a knowledge base must not set this: it names other places,
/// loosens what is read, or removes.
fn is_bold(group: &str, name: &str, value: &Value) -> bool {
    let is_path = |text: &str| text.contains(['/', '\\']) || text.starts_with('.');
    match (group, name) {
        ("open", "also") | ("sync", "force" | "hidden") => true,
        ("open", "encoder" | "llm" | "reranker") => value.as_text().is_some_and(is_path),
        ("sync", "missing") => value.as_text() == Some("remove"),
        _ => false,
    }
}

/// A file and its text.
struct File<'a> {
    path: &'a Path,
    place: Place,
    text: &'a str,
}

impl File<'_> {
    fn settings(&self) -> Result<Vec<Setting>> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let (line, column) = self.place(error.span().map_or(0, |span| span.start));
            let reason = format!("line {line}, column {column}: {}", error.message());
            Error::invalid(self.path.display().to_string(), reason)
        })?;
        let tables = tables();
        let mut settings = Vec::new();
        for (key, value) in document.get_ref() {
            let (name, at): (&str, usize) = (key.get_ref(), key.span().start);
            let Some(table) = tables.iter().find(|table| table.group == name) else {
                return Err(self.unknown(name, at, &tables));
            };
            let DeValue::Table(options) = value.get_ref() else {
                let reason = format!("it is a table of options: [{name}] ({})", self.origin(at));
                return Err(Error::invalid(name.to_owned(), reason));
            };
            for (key, value) in options {
                settings.push(self.setting(table, key.get_ref(), key.span().start, value)?);
            }
        }
        Ok(settings)
    }

    fn setting(
        &self,
        table: &Table,
        name: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Setting> {
        let origin = self.origin(at);
        let entry = known(table, name, &origin)?;
        let refuse = |fault| refused(table, name, fault, &origin);
        let value = value_of(value.get_ref()).map_err(refuse)?;
        if self.place == Place::Beside && is_bold(table.group, name, &value) {
            let reason = "a file beside a knowledge base does not set this, for it may have come with it; name the file \
                          with --config";
            return Err(refuse(Fault::Value(reason.into())));
        }
        let value = (table.read)(name, value).map_err(refuse)?;
        Ok(Setting { group: table.group, name: entry.name, value, origin })
    }

    /// The error for a name that is no table of options.
    fn unknown(&self, name: &str, at: usize, tables: &[Table]) -> Error {
        let holds = |table: &&Table| table.entries.iter().any(|entry| entry.name == name);
        let reason = match tables.iter().find(holds) {
            Some(table) => format!("an option stands in a table: [{}]", table.group),
            None => {
                let far = |table: &&Table| strsim::damerau_levenshtein(name, table.group);
                let nearest = tables.iter().min_by_key(far).map_or("ask", |table| table.group);
                format!("there is no such table; the nearest is [{nearest}]")
            }
        };
        Error::invalid(name.to_owned(), format!("{reason} ({})", self.origin(at)))
    }

    fn origin(&self, at: usize) -> Origin {
        Origin::File(self.path.to_owned(), self.place(at).0)
    }

    /// Line and column of a byte, both from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        (line, column)
    }
}

/// A value as options take it.
fn value_of(value: &DeValue<'_>) -> std::result::Result<Value, Fault> {
    Ok(match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(number) => {
            let integer = i128::from_str_radix(number.as_str(), number.radix());
            Value::Integer(integer.map_err(|error| Fault::Value(error.to_string()))?)
        }
        DeValue::Float(number) => {
            let float = number.as_str().parse();
            Value::Number(
                float.map_err(|_| Fault::Value(format!("{} is no number", number.as_str())))?,
            )
        }
        DeValue::Datetime(_) => return Err(Fault::Type("a date is no option's value".into())),
        DeValue::Array(values) => Value::List(
            values.iter().map(|value| value_of(value.get_ref())).collect::<Result<_, _>>()?,
        ),
        DeValue::Table(pairs) => {
            let pair = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                Ok((Value::Text(key.get_ref().to_string()), value_of(value.get_ref())?))
            };
            Value::Map(pairs.iter().map(pair).collect::<Result<_, Fault>>()?)
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str, place: Place) -> Result<Vec<Setting>> {
        File { path: Path::new("rag.toml"), place, text }.settings()
    }

    fn refusal(text: &str) -> String {
        parse(text, Place::Named).unwrap_err().line()
    }

    #[test]
    fn values_of_all_kinds_are_read() {
        let text = "[search]\ntop_k = 7\nfilter = 'kind = pdf'\n[ask]\ntemperature = 0.5\nstop = ['a', 'b']\nfence = true\n\
                    abstain = 0.25\n[ask.logit_bias]\n11 = -2.5\n[add.metadata]\nteam = 'bridges'\n";
        let settings = parse(text, Place::Named).unwrap();
        assert_eq!(settings.len(), 8);
        let top_k = settings.iter().find(|setting| setting.name == "top_k").unwrap();
        assert_eq!((&top_k.value, top_k.group), (&Value::Integer(7), "search"));
        assert_eq!(top_k.origin, Origin::File("rag.toml".into(), 2));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let line = refusal("[ask]\ntop_k = = 3\n");
        assert!(line.contains("rag.toml: line 2, column 9"), "{line}");
        let line = refusal("[ask]\n\ntemprature = 1\n");
        assert!(
            line.contains("ask.temprature") && line.contains("temperature (rag.toml, line 3)"),
            "{line}"
        );
        let line = refusal("[serch]\ntop_k = 3\n");
        assert!(line.contains("nearest is [search] (rag.toml, line 1)"), "{line}");
        assert!(refusal("top_k = 3\n").contains("an option stands in a table: [search]"));
        assert!(refusal("search = 3\n").contains("it is a table of options"));
        let line = refusal("[search]\ntop_k = 'five'\n");
        assert!(line.contains("\"five\" is a text, but it takes a whole number"), "{line}");
        let line = refusal("[search]\ntop_k = 0\n");
        assert!(
            line.contains("search.top_k: 0 is outside 1 to 10,000 (rag.toml, line 2)"),
            "{line}"
        );
        assert!(refusal("[ask]\nwriter = 'me'\n").contains("not set from here"));
        assert!(refusal("[open]\naccess = 'create'\n").contains("not set from here"));
        assert!(refusal("[search]\nfilter = 1979-05-27\n").contains("a date"));
    }

    #[test]
    fn what_came_with_a_knowledge_base_names_no_places_and_removes_nothing() {
        for text in [
            "[open]\nencoder = '../evil'\n",
            "[open]\nllm = '/evil.gguf'\n",
            "[open]\nalso = ['private.rag']\n",
            "[sync]\nforce = true\n",
            "[sync]\nmissing = 'remove'\n",
            "[sync]\nhidden = true\n",
        ] {
            let line = parse(text, Place::Beside).unwrap_err().line();
            assert!(line.contains("--config"), "{text}: {line}");
            assert!(parse(text, Place::Named).is_ok(), "{text}");
        }
        assert!(
            parse("[open]\nencoder = 'minilm'\n[sync]\nmissing = 'keep'\n", Place::Beside).is_ok()
        );
    }
}
