//! Enums whose variants are words, on every surface and in JSON.

/// Declares one: `ALL` in the order of C's numbers, `name`, `parse`, `Display`, serde and the type of an option.
///
/// The first literal is the name of the option, for errors of `parse`; two variants after it are what false and true stand for, where
/// a flag does too.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident($option:literal $(, $off:ident or $on:ident)?) {
            $($(#[$inner:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$inner])* $variant,)+
        }

        impl $name {
            /// Every one, in the order of C's numbers.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Its word.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The one of this word.
            ///
            /// # Errors
            /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument), with all words, for any other.
            pub fn parse(word: &str) -> crate::Result<Self> {
                Self::ALL.into_iter().find(|one| one.name() == word).ok_or_else(|| {
                    let words = [$($word),+].join(", ");
                    crate::Error::invalid($option, format!("{word:?} is not one of {words}"))
                })
            }
        }

        impl $crate::options::OptionValue for $name {
            const KIND: $crate::options::Kind = $crate::options::Kind::Word(&[$($word),+]);

            fn read(value: $crate::options::Value) -> Result<Self, $crate::options::Fault> {
                $(match value {
                    $crate::options::Value::Flag(false) => return Ok(Self::$off),
                    $crate::options::Value::Flag(true) => return Ok(Self::$on),
                    _ => {}
                })?
                let syntax = concat!("one of", $(" ", $word),+);
                $crate::options::Forms::text(syntax, value, Self::parse)
            }

            fn show(&self) -> $crate::options::Value {
                $crate::options::Value::Text(self.name().to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&word).map_err(|error| serde::de::Error::custom(error.reason()))
            }
        }
    };
}

pub(crate) use words;
