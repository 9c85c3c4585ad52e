//! What a word of a question means that names no column of a table: the generator chooses among the
//! columns, held to their names, and the encoder must agree. A word that means none leaves the
//! question without a plan.

use crate::error::Result;
use crate::generate::{CAN_CONSTRAIN, Constraint, GenerateOptions};
use crate::model::{Message, Role};
use crate::progress::Call;
use crate::table::{self, DataTable, Hint, Planned, WordGap};

use super::run::Run;
use super::types::Writer;

/// Tables whose words are asked about.
const MAX_TABLES: usize = 2;

/// Columns of a table among which a generator chooses.
const MAX_COLUMNS: usize = 40;

/// Tokens of a choice at most.
const MAX_NEW_TOKENS: usize = 64;

/// How far a column must stand out for the encoder, as shares of the way from the mean cosine of
/// the others to 1: from the second, and from that mean. Measured on 19 pairs of a word and a table
/// with e5-small and MiniLM, eight of which mean no column: these let none of the eight pass with
/// e5-small, one with MiniLM.
const FROM_SECOND: f32 = 0.15;
const FROM_MEAN: f32 = 0.25;

/// What is chosen if no column is meant.
const NONE: &str = "none of them";

impl Run<'_> {
    /// The plan of a question of which a word or two mean a column that has another name.
    pub(super) fn hinted(&self, asked: &str, tables: &[&DataTable]) -> Result<Option<Planned>> {
        let is_generated = matches!(self.options.writer, Writer::Generator);
        if !CAN_CONSTRAIN || !is_generated || !self.knowledge_base.models.has_generator() {
            return Ok(None);
        }
        let mut hints = Vec::new();
        for gap in table::gaps(asked, tables).iter().take(MAX_TABLES) {
            for word in &gap.words {
                let column = self.meant(asked, word, gap)?;
                let table = gap.table;
                hints.extend(column.map(|column| Hint { table, word: word.clone(), column }));
            }
        }
        match hints.is_empty() {
            true => Ok(None),
            false => Ok(table::plan_with(asked, tables, &hints, &self.cancel)),
        }
    }

    /// The column that a word means, if encoder and generator agree on one.
    fn meant(&self, asked: &str, word: &str, gap: &WordGap) -> Result<Option<String>> {
        let columns = gap.columns.get(..gap.columns.len().min(MAX_COLUMNS)).unwrap_or_default();
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        if names.len() < 2 {
            return Ok(None);
        }
        let cosines = self.cosines(word, &names)?;
        let Some(best) = standing_out(&cosines) else { return Ok(None) };
        let Some(best) = names.get(best) else { return Ok(None) };
        let chosen = self.chosen(asked, word, &names)?;
        Ok((chosen == *best).then_some(chosen))
    }

    /// The column that the generator chooses.
    fn chosen(&self, asked: &str, word: &str, names: &[&str]) -> Result<String> {
        let generator = self.knowledge_base.generator()?;
        let message = |role, content: &str| Message { role, content: content.to_owned() };
        let question = self.options.guards.told(asked);
        let told = |names: &[&str], question: &str, word: &str| {
            format!("Columns: {}\nQuestion: {question}\nWord: {word}", names.join("; "))
        };
        let task = "Say which column of a table a word of a question means.";
        let first = told(&["Name", "Town", "Wage", "Hired"], "Who earns most in Lyon?", "earns");
        let second = told(&["Fruit", "Price", "Weight"], "Which apple is the reddest?", "reddest");
        let messages = [
            message(Role::System, task),
            message(Role::User, &first),
            message(Role::Assistant, "{\"column\": \"Wage\"}"),
            message(Role::User, &second),
            message(Role::Assistant, &format!("{{\"column\": \"{NONE}\"}}")),
            message(Role::User, &told(names, &question, word)),
        ];
        let choices: Vec<&str> = names.iter().copied().chain([NONE]).collect();
        let schema = serde_json::json!({
            "type": "object",
            "properties": {"column": {"enum": choices}},
            "required": ["column"],
            "additionalProperties": false,
        });
        let rendered = generator.chat().render(&messages)?;
        if rendered.token_ids.len() + MAX_NEW_TOKENS > generator.context_len() {
            return Ok(NONE.to_owned());
        }
        let options = GenerateOptions {
            max_new_tokens: MAX_NEW_TOKENS,
            constraint: Some(Constraint::JsonSchema(schema.to_string())),
            ..GenerateOptions::default()
        };
        let call = Call::new().cancel(&self.cancel);
        let text = generator.generate_with(&rendered.token_ids, &options, call)?.text;
        let chosen: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let chosen = chosen.as_ref().and_then(|chosen| chosen.get("column")?.as_str());
        Ok(chosen.unwrap_or(NONE).to_owned())
    }
}

/// The place of a cosine that stands out from the others.
fn standing_out(cosines: &[f32]) -> Option<usize> {
    let best = (0..cosines.len()).max_by(|a, b| cosines[*a].total_cmp(&cosines[*b]))?;
    let others: Vec<f32> = cosines
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != best)
        .map(|(_, cosine)| *cosine)
        .collect();
    let second = others.iter().copied().reduce(f32::max)?;
    let mean = others.iter().sum::<f32>() / others.len() as f32;
    let room = 1.0 - mean;
    let stands =
        cosines[best] - second >= FROM_SECOND * room && cosines[best] - mean >= FROM_MEAN * room;
    stands.then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_stands_out_or_none_is_meant() {
        // staff, rating and weight over the columns of a table, by e5-small
        assert_eq!(standing_out(&[0.811, 0.869, 0.821, 0.816]), Some(1));
        assert_eq!(standing_out(&[0.856, 0.830, 0.821, 0.812]), None);
        assert_eq!(standing_out(&[0.849, 0.837, 0.829, 0.821]), None);
        assert_eq!(standing_out(&[]), None);
    }
}
