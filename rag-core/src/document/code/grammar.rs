//! The table of languages: what their files are called and which nodes of their grammars are
//! definitions.

use tree_sitter_language::LanguageFn;

use Role::{Assigned, Container, Function, Type, Wrapper};

/// What is known of a language.
pub(super) struct Grammar {
    /// Its name in the metadata.
    pub(super) name: &'static str,
    /// Extensions of its files, in lower case.
    extensions: &'static [&'static str],
    pub(super) language: LanguageFn,
    /// Whether blocks are shown by how far they are indented.
    pub(super) is_indented: bool,
    roles: &'static [(Role, &'static [&'static str])],
}

/// What a node is for the outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A definition that holds definitions: a class, a module.
    Container,
    /// A container if it has a body; without one a type is only spoken of.
    Type,
    /// A definition that holds statements.
    Function,
    /// A function or class that is given a name by assigning it.
    Assigned,
    /// What stands around one definition and belongs to it: its export, decorators, parameters.
    Wrapper,
}

impl Grammar {
    /// What a node of this kind is.
    pub(super) fn role(&self, kind: &str) -> Option<Role> {
        self.roles.iter().find(|(_, kinds)| kinds.contains(&kind)).map(|(role, _)| *role)
    }
}

/// The languages whose files have this extension, the likeliest first.
pub(super) fn likely(extension: &str, text: &str) -> Vec<&'static Grammar> {
    let is_its = |grammar: &&Grammar| grammar.extensions.contains(&extension);
    let mut found: Vec<_> = GRAMMARS.iter().filter(is_its).collect();
    if found.len() > 1 && shows_cpp(text) {
        found.reverse();
    }
    found
}

/// Whether a line of a header begins with what C has not.
fn shows_cpp(text: &str) -> bool {
    let words =
        ["namespace ", "class ", "template<", "template <", "public:", "private:", "protected:"];
    let begins = |line: &str| words.iter().any(|word| line.trim_start().starts_with(word));
    text.lines().any(begins)
}

const JAVASCRIPT: [(Role, &[&str]); 4] = [
    (Container, &["class_declaration"]),
    (Function, &["function_declaration", "generator_function_declaration", "method_definition"]),
    (Assigned, &["variable_declarator", "assignment_expression", "pair", "field_definition"]),
    (
        Wrapper,
        &[
            "export_statement",
            "lexical_declaration",
            "variable_declaration",
            "expression_statement",
        ],
    ),
];

const TYPESCRIPT: [(Role, &[&str]); 4] = [
    (
        Container,
        &[
            "class_declaration",
            "abstract_class_declaration",
            "interface_declaration",
            "enum_declaration",
            "type_alias_declaration",
            "internal_module",
            "module",
        ],
    ),
    (Function, &["function_declaration", "generator_function_declaration", "method_definition"]),
    (
        Assigned,
        &["variable_declarator", "assignment_expression", "pair", "public_field_definition"],
    ),
    (
        Wrapper,
        &[
            "export_statement",
            "lexical_declaration",
            "variable_declaration",
            "expression_statement",
            "ambient_declaration",
        ],
    ),
];

static GRAMMARS: [Grammar; 11] = [
    Grammar {
        name: "rust",
        extensions: &["rs"],
        language: tree_sitter_rust::LANGUAGE,
        is_indented: false,
        roles: &[
            (Container, &["struct_item", "enum_item", "union_item", "trait_item", "impl_item"]),
            (Type, &["mod_item"]),
            (Function, &["function_item", "macro_definition"]),
        ],
    },
    Grammar {
        name: "python",
        extensions: &["py", "pyi"],
        language: tree_sitter_python::LANGUAGE,
        is_indented: true,
        roles: &[
            (Container, &["class_definition"]),
            (Function, &["function_definition"]),
            (Wrapper, &["decorated_definition"]),
        ],
    },
    Grammar {
        name: "c",
        extensions: &["c", "h"],
        language: tree_sitter_c::LANGUAGE,
        is_indented: false,
        roles: &[
            (Type, &["struct_specifier", "union_specifier", "enum_specifier"]),
            (Function, &["function_definition"]),
            (Wrapper, &["type_definition"]),
        ],
    },
    Grammar {
        name: "cpp",
        extensions: &["h", "cc", "cpp", "cxx", "hh", "hpp", "hxx"],
        language: tree_sitter_cpp::LANGUAGE,
        is_indented: false,
        roles: &[
            (Container, &["namespace_definition"]),
            (Type, &["class_specifier", "struct_specifier", "union_specifier", "enum_specifier"]),
            (Function, &["function_definition"]),
            (Wrapper, &["type_definition", "template_declaration"]),
        ],
    },
    Grammar {
        name: "java",
        extensions: &["java"],
        language: tree_sitter_java::LANGUAGE,
        is_indented: false,
        roles: &[
            (
                Container,
                &[
                    "class_declaration",
                    "interface_declaration",
                    "enum_declaration",
                    "record_declaration",
                    "annotation_type_declaration",
                ],
            ),
            (
                Function,
                &[
                    "method_declaration",
                    "constructor_declaration",
                    "compact_constructor_declaration",
                ],
            ),
        ],
    },
    Grammar {
        name: "javascript",
        extensions: &["js", "jsx", "mjs", "cjs"],
        language: tree_sitter_javascript::LANGUAGE,
        is_indented: false,
        roles: &JAVASCRIPT,
    },
    Grammar {
        name: "typescript",
        extensions: &["ts", "mts", "cts"],
        language: tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        is_indented: false,
        roles: &TYPESCRIPT,
    },
    Grammar {
        name: "typescript",
        extensions: &["tsx"],
        language: tree_sitter_typescript::LANGUAGE_TSX,
        is_indented: false,
        roles: &TYPESCRIPT,
    },
    Grammar {
        name: "go",
        extensions: &["go"],
        language: tree_sitter_go::LANGUAGE,
        is_indented: false,
        roles: &[
            (Container, &["type_spec"]),
            (Function, &["function_declaration", "method_declaration"]),
            (Wrapper, &["type_declaration"]),
        ],
    },
    Grammar {
        name: "csharp",
        extensions: &["cs"],
        language: tree_sitter_c_sharp::LANGUAGE,
        is_indented: false,
        roles: &[
            (
                Container,
                &[
                    "namespace_declaration",
                    "class_declaration",
                    "struct_declaration",
                    "interface_declaration",
                    "enum_declaration",
                    "record_declaration",
                ],
            ),
            (
                Function,
                &[
                    "method_declaration",
                    "constructor_declaration",
                    "destructor_declaration",
                    "local_function_statement",
                ],
            ),
        ],
    },
    Grammar {
        name: "bash",
        extensions: &["sh", "bash"],
        language: tree_sitter_bash::LANGUAGE,
        is_indented: false,
        roles: &[(Function, &["function_definition"])],
    },
];

#[cfg(test)]
mod tests {
    use tree_sitter::Language;

    use super::*;

    #[test]
    fn every_kind_of_node_is_one_of_its_grammar() {
        for grammar in &GRAMMARS {
            let language = Language::new(grammar.language);
            assert!(language.is_parseable(), "{}", grammar.name);
            for kind in grammar.roles.iter().flat_map(|(_, kinds)| *kinds) {
                assert_ne!(language.id_for_node_kind(kind, true), 0, "{}: {kind}", grammar.name);
            }
        }
    }
}
