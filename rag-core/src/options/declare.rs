//! The declaration of options, and what is made of it.

use super::field::Field;
use super::value::{Fault, Value};
use crate::error::{Error, Result};

/// A row of the table of options: what is declared of one, under the name it has here and with the default it has here.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name among these options: two that are joined may have a name in common where they stand alone.
    pub name: &'static str,
    /// What holds by default; [`Value::Unset`] where [`Field::unset`] says it in words.
    pub default: Value,
    /// What is declared of it.
    pub field: Field,
}

/// Options that were declared with [`options!`](super).
pub trait Options: Default {
    /// What they are called, such as `"search"`.
    const GROUP: &'static str;

    /// Every option, in the order of declaration, those of the parts last.
    fn table() -> Vec<Entry>;

    /// Sets the option of this name.
    ///
    /// # Errors
    /// What is wrong with name or value; [`Fault::into_error`] makes an error of it that names the option.
    fn set(&mut self, name: &str, value: Value) -> Result<(), Fault>;

    /// The value of the option of this name, if there is such an option.
    fn get(&self, name: &str) -> Option<Value>;

    /// Holds every value against its range, and the values against each other.
    ///
    /// # Errors
    /// InvalidArgument, with the option, its value and what it takes.
    fn validate(&self) -> Result<()>;

    /// Sets several options.
    ///
    /// # Errors
    /// As [`Options::set`], as an error that names the option, for the first one that is wrong.
    fn set_all<N: AsRef<str>>(
        &mut self,
        values: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<()> {
        for (name, value) in values {
            let name = name.as_ref();
            self.set(name, value).map_err(|fault| fault.into_error(name))?;
        }
        Ok(())
    }
}

/// What the options of a part are called by what holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Called {
    /// As in the part, but for these: the name outside and the name inside.
    As(&'static [(&'static str, &'static str)]),
    /// With this before the name, which is the part's group and a low line: `encoder_threads`.
    Prefixed(&'static str),
}

/// As in the part, but for these pairs of the name outside and the name inside.
pub(crate) const fn renames(pairs: &'static [(&'static str, &'static str)]) -> Called {
    Called::As(pairs)
}

/// With the part's group and a low line before the name.
pub(crate) const fn prefixed(prefix: &'static str) -> Called {
    Called::Prefixed(prefix)
}

impl Called {
    /// The name that the part knows an option by.
    pub(crate) fn inner<'a>(&self, name: &'a str) -> Option<&'a str> {
        let pairs = match self {
            Self::As(pairs) => pairs,
            Self::Prefixed(prefix) => return name.strip_prefix(prefix),
        };
        match pairs.iter().find(|(outer, inner)| *outer == name || *inner == name) {
            Some((outer, inner)) => (*outer == name).then_some(*inner),
            None => Some(name),
        }
    }

    /// Rows of the part under the names, and with the defaults, that they have outside.
    pub(crate) fn rows(
        &self,
        mut entries: Vec<Entry>,
        get: impl Fn(&str) -> Option<Value>,
    ) -> Vec<Entry> {
        for entry in &mut entries {
            if let Some(default) = get(entry.name) {
                entry.default = default;
            }
            entry.name = match self {
                Self::As(pairs) => pairs
                    .iter()
                    .find(|(_, inner)| *inner == entry.name)
                    .map_or(entry.name, |(outer, _)| outer),
                Self::Prefixed(_) => entry.field.full_name,
            };
        }
        entries
    }

    /// What the part found wrong, by the name that the option has outside.
    pub(crate) fn error(&self, error: Error) -> Error {
        let Error::InvalidArgument { argument, reason } = error else { return error };
        let argument = match self {
            Self::As(pairs) => pairs
                .iter()
                .find(|(_, inner)| *inner == argument)
                .map_or(argument, |(outer, _)| (*outer).into()),
            Self::Prefixed(prefix) => format!("{prefix}{argument}").into(),
        };
        Error::InvalidArgument { argument, reason }
    }
}

/// The declared name that is nearest to `name`.
pub(crate) fn nearest(name: &str, table: &[Entry]) -> Option<&'static str> {
    let name = name.replace('-', "_");
    let distance = |entry: &Entry| strsim::damerau_levenshtein(&name, entry.name);
    let near = |entry: &&Entry| distance(entry) <= 1 + entry.name.len() / 4;
    let holds = |entry: &&Entry| name.len() > 2 && entry.name.split('_').any(|part| part == name);
    table
        .iter()
        .filter(near)
        .min_by_key(|entry| distance(entry))
        .or_else(|| table.iter().find(holds))
        .map(|entry| entry.name)
}

/// Reads a value that is declared as `field`; `None` for what holds by default.
pub(crate) fn read<T: super::OptionValue>(field: &Field, value: Value) -> Result<Option<T>, Fault> {
    let is_unset =
        value == Value::Unset || field.unset_word.is_some_and(|word| value.as_text() == Some(word));
    if is_unset {
        return Ok(None);
    }
    let read = T::read(value)?;
    match field.refuse(read.number()) {
        Some(reason) => Err(Fault::Value(reason)),
        None => Ok(Some(read)),
    }
}

/// Declares options.
///
/// Each field: its documentation in sentences that every surface can show, name, type, default, and what else is said of it by the
/// methods of [`Field`]. `parts` are options that these hold whole, under the same names but for those given (`renames`) or all with a prefix (`prefixed`); `custom` ones are set by a method of the struct; `code` are fields
/// that only a program can give. `check` holds values against each other.
macro_rules! options {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($group:literal) {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr $(, $key:ident($($argument:expr),*))*;
            )*
        }
        $(parts {
            $(
                $(#[doc = $part_doc:literal])+
                $part:ident: $part_type:ty = $part_default:expr, $called:ident($called_so:expr);
            )*
        })?
        $(custom {
            $(
                $(#[doc = $custom_doc:literal])+
                $custom:ident: $kind:expr, set($set:expr), get($get:expr) $(, $custom_key:ident($($custom_argument:expr),*))*;
            )*
        })?
        $(code {
            $(
                $(#[doc = $code_doc:literal])+
                $code:ident: $code_type:ty = $code_default:expr, is($what:literal) $(, $code_key:ident($($code_argument:expr),*))*;
            )*
        })?
        check($check:expr)
    ) => {
        $(#[$meta])*
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
                pub $field: $type,
            )*
            $($(
                $(#[doc = $part_doc])+
                pub $part: $part_type,
            )*)?
            $($(
                $(#[doc = $code_doc])+
                pub $code: $code_type,
            )*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    $($($part: $part_default,)*)?
                    $($($code: $code_default,)*)?
                }
            }
        }

        const _: () = {
            use $crate::options::declare::{self, Entry, Options};
            use $crate::options::{Fault, Field, Kind, OptionValue, Value};

            /// What is declared of each field, and of what is set by methods.
            struct Fields;

            #[allow(non_upper_case_globals, reason = "named as the fields are")]
            impl Fields {
                $(
                    const $field: Field =
                        Field::new($group, stringify!($field), concat!($($doc),+), <$type as OptionValue>::KIND)
                            .full_name(concat!($group, "_", stringify!($field)))
                            $(.$key($($argument),*))*;
                )*
                $($(
                    const $custom: Field =
                        Field::new($group, stringify!($custom), concat!($($custom_doc),+), $kind)
                            $(.$custom_key($($custom_argument),*))*;
                )*)?
                $($(
                    const $code: Field =
                        Field::new($group, stringify!($code), concat!($($code_doc),+), Kind::Code($what))
                            $(.$code_key($($code_argument),*))*;
                )*)?
            }

            impl Options for $name {
                const GROUP: &'static str = $group;

                fn table() -> Vec<Entry> {
                    let here = Self::default();
                    let entry = |field: Field| Entry {
                        name: field.name,
                        default: here.get(field.name).unwrap_or(Value::Unset),
                        field,
                    };
                    let mut table = vec![
                        $(entry(Fields::$field),)*
                        $($(entry(Fields::$custom),)*)?
                        $($(entry(Fields::$code),)*)?
                    ];
                    // what custom options set is no option itself
                    table.retain(|entry| entry.field.kind != Kind::Code(""));
                    $($({
                        let get = |name: &str| here.$part.get(name);
                        table.extend(declare::$called($called_so).rows(<$part_type>::table(), get));
                    })*)?
                    table
                }

                #[allow(unused_variables, reason = "options may have no field")]
                fn set(&mut self, name: &str, value: Value) -> Result<(), Fault> {
                    $(
                        if name == Fields::$field.name {
                            self.$field = match declare::read(&Fields::$field, value)? {
                                Some(read) => read,
                                None => $default,
                            };
                            return Ok(());
                        }
                    )*
                    $($(
                        if name == Fields::$custom.name {
                            if value == Value::Unset {
                                return Ok(());
                            }
                            let set: fn(&mut Self, Value) -> Result<(), Fault> = $set;
                            return set(self, value);
                        }
                    )*)?
                    $($(
                        if name == Fields::$code.name && !$what.is_empty() {
                            return Err(Fault::Type(concat!("it takes ", $what, ", which only a program can give").into()));
                        }
                    )*)?
                    // a part by itself may have another default
                    let value = match value {
                        Value::Unset => Self::default().get(name).unwrap_or(Value::Unset),
                        value => value,
                    };
                    $($(
                        if let Some(inner) = declare::$called($called_so).inner(name) {
                            match self.$part.set(inner, value.clone()) {
                                Err(Fault::Unknown(_)) => {}
                                done => return done,
                            }
                        }
                    )*)?
                    Err(Fault::Unknown(declare::nearest(name, &Self::table())))
                }

                fn get(&self, name: &str) -> Option<Value> {
                    $(
                        if name == Fields::$field.name {
                            return Some(self.$field.show());
                        }
                    )*
                    $($(
                        if name == Fields::$custom.name {
                            let get: fn(&Self) -> Value = $get;
                            return Some(get(self));
                        }
                    )*)?
                    $($(
                        if let Some(value) = declare::$called($called_so)
                            .inner(name)
                            .and_then(|inner| self.$part.get(inner))
                        {
                            return Some(value);
                        }
                    )*)?
                    None
                }

                fn validate(&self) -> $crate::Result<()> {
                    $(
                        if let Some(reason) = Fields::$field.refuse(self.$field.number()) {
                            return Err($crate::Error::invalid(Fields::$field.name, reason));
                        }
                    )*
                    $($(
                        let called = declare::$called($called_so);
                        self.$part.validate().map_err(|error| called.error(error))?;
                    )*)?
                    let check: fn(&Self) -> $crate::Result<()> = $check;
                    check(self)
                }
            }
        };
    };
}

pub(crate) use options;
