//! What a definition is called.

use tree_sitter::Node;

use super::grammar::Role;
use crate::document::vocabulary::one_line;

/// Bytes of a name that are kept.
const MAX_NAME_BYTES: usize = 80;

/// Nodes that stand in each other around the name in a declaration of C.
const MAX_DECLARATORS: usize = 16;

/// What is assigned to a name and makes it a definition.
const VALUES: [&str; 4] = ["arrow_function", "function_expression", "generator_function", "class"];

/// The name of a definition, if it has one.
pub(super) fn of(node: Node<'_>, role: Role, text: &str) -> Option<String> {
    let said = |node: Node<'_>| one_line(text.get(node.byte_range()).unwrap_or_default());
    let name = match (role, node.kind()) {
        (Role::Wrapper, _) => return None,
        (Role::Type, _) => {
            node.child_by_field_name("body")?;
            said(node.child_by_field_name("name").or_else(|| typedef_name(node))?)
        }
        (Role::Assigned, _) => said(assigned(node)?),
        (_, "impl_item") => implemented(node, said)?,
        (_, "method_declaration") if node.child_by_field_name("receiver").is_some() => {
            let name = said(node.child_by_field_name("name")?);
            match receiver(&said(node.child_by_field_name("receiver")?)) {
                Some(owner) => format!("{owner}.{name}"),
                None => name,
            }
        }
        (_, "function_definition") if node.child_by_field_name("declarator").is_some() => {
            said(declared(node)?)
        }
        _ => said(node.child_by_field_name("name")?),
    };
    let end = name.floor_char_boundary(MAX_NAME_BYTES);
    let name = name.get(..end).unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name that a type without one gets from the `typedef` around it.
fn typedef_name(node: Node<'_>) -> Option<Node<'_>> {
    let around = node.parent().filter(|parent| parent.kind() == "type_definition")?;
    around.child_by_field_name("declarator")
}

/// The name that a function or class is assigned to.
fn assigned(node: Node<'_>) -> Option<Node<'_>> {
    let field = |names: &[&str]| names.iter().find_map(|name| node.child_by_field_name(name));
    field(&["value", "right"]).filter(|value| VALUES.contains(&value.kind()))?;
    field(&["name", "left", "key", "property"])
}

/// `Reader for TextReader`, or `TextReader`; parameters of the type are left out.
fn implemented(node: Node<'_>, said: impl Fn(Node<'_>) -> String) -> Option<String> {
    let name = said(node.child_by_field_name("type")?);
    let name = match name.split_once('<') {
        Some((bare, _)) if !bare.is_empty() => bare.to_owned(),
        _ => name,
    };
    Some(match node.child_by_field_name("trait") {
        Some(of) => format!("{} for {name}", said(of)),
        None => name,
    })
}

/// The type in the receiver of a method of Go: `Tree` in `(t *Tree[K])`.
fn receiver(said: &str) -> Option<String> {
    let inside = said.trim_matches(['(', ')']);
    let bare = inside.split('[').next().unwrap_or_default();
    let name = bare.rsplit([' ', '*']).find(|part| !part.is_empty())?;
    Some(name.to_owned())
}

/// The name inside the declarator of a function of C or C++.
fn declared(node: Node<'_>) -> Option<Node<'_>> {
    let mut inner = node.child_by_field_name("declarator")?;
    for _ in 0..MAX_DECLARATORS {
        let next = match inner.child_by_field_name("declarator") {
            None if inner.kind().ends_with("_declarator") => inner.named_child(0),
            next => next,
        };
        match next {
            Some(next) => inner = next,
            None => return Some(inner),
        }
    }
    None
}
