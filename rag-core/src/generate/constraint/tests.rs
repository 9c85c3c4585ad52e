#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::formats::gguf::Gguf;
use crate::model::tokenizer::vocabulary::tests::tiny;

fn vocabulary() -> Vocabulary {
    let file = tiny().file();
    Vocabulary::from_gguf(&Gguf::open(file.path()).unwrap()).unwrap()
}

fn start(constraint: &Constraint) -> Result<ConstraintState> {
    Grammars::default().start(&vocabulary(), constraint)
}

#[cfg(not(feature = "constrain"))]
#[test]
fn a_build_without_the_feature_says_so() {
    let error = start(&Constraint::Regex("a".to_owned())).err().unwrap();
    assert_eq!(error.code(), crate::ErrorCode::InvalidArgument);
    assert!(error.to_string().starts_with("invalid regex: this build"), "{error}");
    const { assert!(!CAN_CONSTRAIN) };
}

#[cfg(feature = "constrain")]
mod with_feature {
    use super::*;

    fn allowed(held: &mut ConstraintState) -> Vec<u32> {
        let mut logits = vec![0.0; vocabulary().len()];
        held.mask(&mut logits).unwrap();
        (0..).zip(logits).filter(|(_, logit)| *logit == 0.0).map(|(id, _)| id).collect()
    }

    #[test]
    fn whole_tokens_and_single_bytes_are_allowed_and_the_end_where_the_form_is_whole() {
        let mut held = start(&Constraint::Regex("hello(hello)?".to_owned())).unwrap();
        let byte = |letter: char| vocabulary().encode(&letter.to_string(), None).unwrap()[0];
        // h, he, hello
        assert_eq!(allowed(&mut held), [byte('h'), 256, 259]);
        held.push(byte('h')).unwrap();
        assert_eq!(allowed(&mut held), [byte('e')]);
        for letter in ['e', 'l', 'l'] {
            held.push(byte(letter)).unwrap();
        }
        assert!(!held.is_complete());
        let mut fork = held.clone();
        held.push(byte('o')).unwrap();
        assert_eq!(allowed(&mut held), [byte('h'), 256, 259, 261], "the end too");
        assert!(!held.is_complete());
        held.push(259).unwrap();
        assert!(held.is_complete());
        assert_eq!(allowed(&mut held), [261], "the end alone");
        assert_eq!(allowed(&mut fork), [byte('o')], "a copy goes its own way");
        assert!(fork.push(byte('x')).is_err());
    }

    #[test]
    fn json_goes_on_after_a_space_or_a_line() {
        let byte = |letter: char| vocabulary().encode(&letter.to_string(), None).unwrap()[0];
        for schema in ["true", "{}", "{\"type\": \"array\"}"] {
            let mut held = start(&Constraint::JsonSchema(schema.to_owned())).unwrap();
            held.push(byte('[')).unwrap();
            assert!(
                [' ', '\n', '1', ']'].map(byte).iter().all(|id| allowed(&mut held).contains(id))
            );
            held.push(byte('\n')).unwrap();
            for _ in 0..32 {
                held.push(byte(' ')).unwrap();
            }
            assert!(!allowed(&mut held).contains(&byte(' ')), "{schema}");
            assert!(allowed(&mut held).contains(&byte('1')), "{schema}");
        }
    }

    #[test]
    fn malformed_constraints_are_refused_with_their_place() {
        let schema = |text: &str| Constraint::JsonSchema(text.to_owned());
        let grammar = |text: &str| Constraint::Grammar(text.to_owned());
        let regex = |text: &str| Constraint::Regex(text.to_owned());
        let cases = [
            (schema("{\"type\": }"), "json_schema", "line 1 column 10"),
            (schema("{\"type\": \"objekt\"}"), "json_schema", "objekt"),
            (
                schema("{\"properties\": {\"a\": {\"items\": {\"type\": \"objekt\"}}}}"),
                "json_schema",
                "at /properties/a/items: ",
            ),
            (schema("{\"$ref\": \"#/$defs/none\"}"), "json_schema", "none"),
            (
                schema("{\"properties\": {\"a\": {\"not\": {}}}}"),
                "json_schema",
                "at /properties/a: Unimplemented keys: [\"not\"]",
            ),
            (schema("7"), "json_schema", ""),
            (regex("(ab"), "regex", "at character 1: unclosed group"),
            (regex("a[z-a]"), "regex", "at character 3: "),
            (grammar("start: \"a"), "grammar", ""),
            (grammar("start: missing"), "grammar", "missing"),
            (grammar("begin: \"a\""), "grammar", "start"),
            (grammar(""), "grammar", ""),
        ];
        for (constraint, name, place) in cases {
            let error = start(&constraint).err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("{constraint:?} was taken"));
            assert!(error.starts_with(&format!("invalid {name}: ")), "{error}");
            assert!(error.contains(place), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        let long = regex(&"a".repeat(MAX_SOURCE_BYTES + 1));
        assert!(start(&long).err().unwrap().to_string().contains("over 1048576"));
    }
}
