//! The text form of a filter.

use super::{Comparison, Filter, FilterField, MAX_DEPTH};
use crate::error::{Error, Result};

/// A piece of the text, and the byte it begins at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Operator(&'static str),
}

/// Longer ones first.
const OPERATORS: &[&str] = &["!=", "<=", ">=", "==", "=", "<", ">", "(", ")", ","];

pub(super) fn parse(text: &str) -> Result<Filter> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, length: text.len() };
    let filter = parser.any()?;
    match parser.tokens.get(parser.next) {
        None => Ok(filter),
        Some(_) => Err(parser.expected("AND, OR or the end")),
    }
}

fn refuse<T>(at: usize, what: &str) -> Result<T> {
    Err(Error::invalid("filter", format!("{what} at byte {at}")))
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let (token, length) = if let Some(quote) = rest.chars().next().filter(|c| is_quote(*c)) {
            quoted(rest, quote).map_or_else(|| refuse(at, "a quote without its end"), Ok)?
        } else if let Some(operator) = OPERATORS.iter().find(|op| rest.starts_with(**op)) {
            (Token::Operator(operator), operator.len())
        } else {
            let ends = |c: char| c.is_whitespace() || is_quote(c) || "!=<>(),".contains(c);
            // a lone `!` is no operator: it begins no word either, but must be passed over
            let length = rest
                .find(ends)
                .filter(|length| *length > 0)
                .unwrap_or_else(|| rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len()));
            (Token::Word(rest[..length].to_owned()), length)
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"')
}

/// A quoted text and its length in bytes with its quotes; a doubled quote stands for one.
fn quoted(text: &str, quote: char) -> Option<(Token, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            value.push(quote);
        } else {
            return Some((Token::Quoted(value), at + 1));
        }
    }
    None
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    length: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Filter> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return refuse(self.at(), "too many parentheses");
        }
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self) -> Result<Filter> {
        let mut parts = vec![self.one()?];
        while self.take_word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self) -> Result<Filter> {
        let mut negations = 0;
        while self.take_word("not") {
            negations += 1;
        }
        let mut filter = if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err(self.expected("a closing parenthesis"));
            }
            inner
        } else {
            self.comparison()?
        };
        if negations % 2 == 1 {
            filter = Filter::Not(Box::new(filter));
        }
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter> {
        let field = match self.value() {
            Some(name) => FilterField::of(&name),
            None => return Err(self.expected("a field")),
        };
        if self.take_word("glob") {
            let pattern = self.value().ok_or_else(|| self.expected("a pattern"))?;
            return Ok(Filter::Glob(field, pattern));
        }
        if self.take_word("in") {
            return self.one_of(&field);
        }
        let how = match self.tokens.get(self.next) {
            Some((_, Token::Operator(operator))) => Comparison::of(operator),
            _ => None,
        };
        let how = how.ok_or_else(|| self.expected("one of = != < <= > >= glob in"))?;
        self.next += 1;
        let value = self.value().ok_or_else(|| self.expected("a value"))?;
        Ok(Filter::Compare(field, how, value))
    }

    fn one_of(&mut self, field: &FilterField) -> Result<Filter> {
        if !self.take("(") {
            return Err(self.expected("an opening parenthesis"));
        }
        let mut parts = Vec::new();
        loop {
            let value = self.value().ok_or_else(|| self.expected("a value"))?;
            parts.push(Filter::Compare(field.clone(), Comparison::Equal, value));
            if self.take(")") {
                return Ok(Filter::Any(parts));
            }
            if !self.take(",") {
                return Err(self.expected("a comma or a closing parenthesis"));
            }
        }
    }

    fn value(&mut self) -> Option<String> {
        match self.tokens.get(self.next)? {
            (_, Token::Word(value) | Token::Quoted(value)) => {
                self.next += 1;
                Some(value.clone())
            }
            (_, Token::Operator(_)) => None,
        }
    }

    fn take(&mut self, operator: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.next), Some((_, Token::Operator(op))) if *op == operator);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some((_, Token::Word(w))) if w.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.length, |token| token.0)
    }

    fn expected(&self, what: &str) -> Error {
        Error::invalid("filter", format!("expected {what} at byte {}", self.at()))
    }
}

impl FilterField {
    /// The field of this name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "kind" => FilterField::Kind,
            "path" | "uri" => FilterField::Path,
            "title" => FilterField::Title,
            "lang" => FilterField::Lang,
            "size" => FilterField::Size,
            "modified" => FilterField::Modified,
            _ => FilterField::Metadata(name.strip_prefix("meta.").unwrap_or(name).to_owned()),
        }
    }
}

impl Comparison {
    /// The comparison that is written so.
    pub(crate) fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "=" | "==" => Comparison::Equal,
            "!=" => Comparison::Unequal,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Greater,
            ">=" => Comparison::AtLeast,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_document_has_the_fields_that_are_named() {
        for name in FilterField::NAMES {
            assert_eq!(FilterField::of(name).to_string(), name);
        }
        assert_eq!(FilterField::of("author"), FilterField::Metadata("author".to_owned()));
    }

    fn line(text: &str) -> String {
        Filter::parse(text).unwrap_err().line()
    }

    #[test]
    fn and_binds_closer_than_or_and_words_need_no_case() {
        let year = Filter::metadata("year", Comparison::AtLeast, "2020");
        let parsed = Filter::parse("kind = pdf and year>=2020 OR NOT path glob 'a b/*'").unwrap();
        let negated = Filter::Not(Box::new(Filter::path("a b/*")));
        assert_eq!(parsed, Filter::kind("pdf").and(year).or(negated));
        let nested = Filter::parse("NOT (kind != 'it''s' or meta.kind in (a, \"b\"))").unwrap();
        let kind = FilterField::Kind;
        let unequal = Filter::Compare(kind, Comparison::Unequal, "it's".to_owned());
        let equal = |value: &str| Filter::metadata("kind", Comparison::Equal, value);
        assert_eq!(nested, Filter::Not(Box::new(unequal.or(equal("a").or(equal("b"))))));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert!(line("").contains("expected a field at byte 0"));
        assert!(line("kind").contains("glob in at byte 4"), "{}", line("kind"));
        assert!(line("kind = ").contains("a value at byte 7"));
        assert!(line("kind = a b").contains("AND, OR or the end at byte 9"));
        assert!(line("kind = 'a").contains("a quote without its end at byte 7"));
        assert!(line("(kind = a").contains("closing parenthesis at byte 9"));
        assert!(line("! = 3 )").contains("byte 6"), "{}", line("! = 3 )"));
        assert!(line(&"(".repeat(10_000)).contains("too many parentheses"));
        assert!(line(&format!("a glob '{}'", "*".repeat(40))).contains("16 times *"));
        assert!(line(&"a=1 OR ".repeat(500)).contains("expected a field"));
        assert!(line(&["a=1"; 500].join(" OR ")).contains("more than 128 terms"));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000,
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        #[test]
        fn any_text_is_parsed_or_refused(text in any::<String>()) {
            let _ = Filter::parse(&text);
        }

        #[test]
        fn syntax_in_any_order_is_parsed_or_refused(text in r#"[a'"()=!<>,\x00 ORNTADglobin]{0,40}"#) {
            let _ = Filter::parse(&text);
        }

        #[test]
        fn any_value_survives_its_quotes(key in "[a-z]{2,9}q", value in any::<String>()) {
            let quoted = format!("{key} = '{}'", value.replace('\'', "''"));
            let expected = Filter::metadata(key, Comparison::Equal, value);
            prop_assert_eq!(Filter::parse(&quoted).unwrap(), expected);
        }
    }
}
