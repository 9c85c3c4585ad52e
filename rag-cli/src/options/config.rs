//! What variables and `rag.toml` say, and which of it holds.

use std::ffi::OsString;
use std::path::Path;

use rag_core::options::{Entry, Options, Value};
use rag_core::{Error, Result};

use super::origin::{Origin, Setting};
use super::{Given, file, is_code, variables};

/// The name of the file that is looked for beside a knowledge base.
const FILE_NAME: &str = "rag.toml";

/// Options of which the one that is said nearest to the call holds, and the others do not.
const EITHER: [&[&str]; 2] =
    [&["json_schema", "regex", "grammar"], &["missing", "force", "keep_missing"]];

/// The file that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// The one that was named.
    Named(&'a Path),
    /// The one beside this knowledge base, if there is one.
    Beside(&'a Path),
    /// None.
    None,
}

/// What variables and a file say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    settings: Vec<Setting>,
    notices: Vec<String>,
}

impl Config {
    /// Reads variables and file. The file beside a knowledge base that is not trusted is not read.
    ///
    /// # Errors
    /// Io if the file that was named cannot be read; InvalidArgument for unknown names and wrong
    /// values.
    pub(crate) fn load(
        variables: impl Iterator<Item = (OsString, OsString)>,
        source: Source<'_>,
    ) -> Result<Self> {
        let mut config = Self { settings: variables::read(variables)?, notices: Vec::new() };
        match source {
            Source::None => {}
            Source::Named(path) if path == Path::new("none") => {}
            Source::Named(path) => config.settings.extend(file::read(path, file::Place::Named)?),
            Source::Beside(_) if config.is_untrusted() => {}
            Source::Beside(base) => config.read_beside(base)?,
        }
        Ok(config)
    }

    fn is_untrusted(&self) -> bool {
        self.settings.iter().any(|setting| {
            (setting.group, setting.name) == ("open", "untrusted")
                && matches!(setting.value, Value::Flag(true))
        })
    }

    fn read_beside(&mut self, base: &Path) -> Result<()> {
        let path = base.with_file_name(FILE_NAME);
        if base == Path::new(":memory:") || path.symlink_metadata().is_err() {
            return Ok(());
        }
        match file::is_foreign(&path) {
            Some(why) => self
                .notices
                .push(format!("{} is not read, for {why}; --config names it", path.display())),
            None => self.settings.extend(file::read(&path, file::Place::Beside)?),
        }
        Ok(())
    }

    /// What a person should know of how it was read.
    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// What is said of an option of `group`, by a variable or else the file; of the options of a
    /// part what is said of the whole, or else of the part.
    pub(crate) fn find(&self, group: &str, entry: &Entry) -> Option<(&Value, &Origin)> {
        let mut places = vec![(group, entry.name)];
        if matches!(group, "summarize" | "compose") {
            places.push(("ask", entry.name));
        }
        places.push((entry.field.group, entry.field.name));
        let at = |setting: &&Setting| {
            let place = (setting.group, setting.name);
            places.iter().position(|known| *known == place)
        };
        let found = self.settings.iter().filter(|setting| at(setting).is_some());
        // the first of those that are equal: a later place is further away
        let best = found.min_by_key(|setting| (3 - setting.origin.rank(), at(setting)));
        best.map(|setting| (&setting.value, &setting.origin))
    }

    /// What is said of options, and where: of those of `given` what it says, of the others that
    /// `takes` allows what variables or the file say. Of those that exclude each other the one that
    /// is said nearest is there.
    pub(super) fn said<'a, O: Options>(
        &'a self,
        given: &'a Given,
        takes: impl Fn(&Entry) -> bool,
    ) -> Vec<(&'static str, &'a Value, &'a Origin)> {
        let mut said: Vec<(&'static str, &Value, &Origin)> = Vec::new();
        for entry in O::table().iter().filter(|entry| !is_code(entry)) {
            match given.iter().find(|(name, _)| *name == entry.name) {
                Some((name, value)) => said.push((name, value, &Origin::Argument)),
                None if takes(entry) => {
                    let found = self.find(O::GROUP, entry);
                    said.extend(found.map(|(value, origin)| (entry.name, value, origin)));
                }
                None => {}
            }
        }
        for names in EITHER {
            let of = |name: &str| names.contains(&name);
            let nearest = said.iter().filter(|one| of(one.0)).map(|one| one.2.rank()).max();
            said.retain(|one| !of(one.0) || Some(one.2.rank()) == nearest);
        }
        said
    }

    /// Sets options: those of `given` as they say, of the others those that `takes` allows as
    /// variables or the file say.
    ///
    /// # Errors
    /// InvalidArgument for values that exclude each other.
    pub(crate) fn apply<O: Options>(
        &self,
        given: &Given,
        takes: impl Fn(&Entry) -> bool,
        options: &mut O,
    ) -> Result<()> {
        for (name, value, origin) in self.said::<O>(given, takes) {
            options.set(name, value.clone()).map_err(|fault| {
                let error = fault.into_error(name);
                match origin {
                    Origin::Argument | Origin::Default => error,
                    origin => {
                        Error::invalid(name.to_owned(), format!("{} ({origin})", error.reason()))
                    }
                }
            })?;
        }
        Ok(())
    }
}
