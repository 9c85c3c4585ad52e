//! Unigram vocabularies (Kudo 2018) that load fast: the pieces in one string, found by a hash that
//! grows with a prefix.
//!
//! The tokenizers crate builds a trie of hash maps, which for 250,000 pieces takes a second and 100
//! MB. Ids, ties and faults are those of the crate; normalisers and everything else around the
//! vocabulary stay its own.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tokenizers::models::unigram::UnigramError;
use tokenizers::models::{ModelWrapper, TrainerWrapper};
use tokenizers::{Model, Token};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What an unknown character costs beside the least likely piece.
const UNKNOWN_PENALTY: f64 = 10.0;
/// A place of [`UnigramPieces::table`] without a piece.
const FREE: u32 = u32::MAX;

/// The vocabulary of a `tokenizer.json`.
#[derive(Clone)]
pub(super) enum TokenizerModel {
    /// Unigram.
    Pieces(Box<UnigramPieces>),
    /// Everything else.
    Other(Box<ModelWrapper>),
}

/// A Unigram vocabulary.
#[derive(Clone)]
pub(super) struct UnigramPieces {
    list: List,
    unk_id: Option<u32>,
    byte_fallback: bool,
    min_score: f64,
    hash: Hash,
    /// Ids at the places their hashes lead to, or the next free ones; at most half of it is taken.
    table: Vec<u32>,
    /// One bit for each hash of a beginning that is not a whole piece; some stand for others too.
    beginnings: Vec<u64>,
}

/// Pieces end to end, with the place where each ends.
#[derive(Clone, Default)]
struct List {
    text: String,
    ends: Vec<u32>,
    scores: Vec<f64>,
}

impl List {
    fn piece(&self, id: u32) -> &str {
        let id = id as usize;
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[id] as usize]
    }

    fn len(&self) -> u32 {
        // every piece takes more than a byte of a file that is far smaller than this
        u32::try_from(self.ends.len()).unwrap_or(FREE)
    }
}

/// A hash of bytes taken one by one, different in each process, so that no file is made to collide.
#[derive(Clone, Copy)]
struct Hash {
    start: u64,
    factor: u64,
}

impl Hash {
    fn new() -> Self {
        let random = RandomState::new();
        Self { start: random.hash_one(0), factor: random.hash_one(1) | 1 }
    }

    fn step(self, hash: u64, byte: u8) -> u64 {
        (hash ^ u64::from(byte)).wrapping_mul(self.factor).rotate_left(29)
    }

    fn of(self, text: &str) -> u64 {
        text.bytes().fold(self.start, |hash, byte| self.step(hash, byte))
    }

    /// The last step: bits that depend on all others.
    fn end(hash: u64) -> u64 {
        let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

impl UnigramPieces {
    fn new(list: List, unk_id: Option<u32>, byte_fallback: bool) -> Result<Self> {
        if let Some(unk_id) = unk_id {
            if list.ends.is_empty() {
                return Err(Box::new(UnigramError::EmptyVocabulary));
            }
            if unk_id >= list.len() {
                return Err(Box::new(UnigramError::UnkIdNotInVocabulary));
            }
        }
        let size = (2 * list.ends.len()).next_power_of_two().max(2);
        let min_score = list
            .scores
            .iter()
            .copied()
            .fold(f64::INFINITY, |min, score| if score < min { score } else { min });
        let mut pieces = Self {
            list,
            unk_id,
            byte_fallback,
            min_score,
            hash: Hash::new(),
            table: vec![FREE; size],
            beginnings: vec![0; size / 2],
        };
        (0..pieces.list.len()).for_each(|id| pieces.insert(id));
        Ok(pieces)
    }

    /// Notes a piece and its beginnings; of equal pieces the last one counts.
    fn insert(&mut self, id: u32) {
        let piece = self.list.piece(id);
        let mut hash = self.hash.start;
        for (at, byte) in piece.bytes().enumerate() {
            if at > 0 && piece.is_char_boundary(at) {
                let bit = Hash::end(hash) as usize % (64 * self.beginnings.len());
                self.beginnings[bit / 64] |= 1 << (bit % 64);
            }
            hash = self.hash.step(hash, byte);
        }
        let place = self.place(hash, piece);
        self.table[place] = id;
    }

    /// Where the piece of this hash is, or would be.
    fn place(&self, hash: u64, piece: &str) -> usize {
        let mask = self.table.len() - 1;
        let mut place = Hash::end(hash) as usize & mask;
        while self.table[place] != FREE && self.list.piece(self.table[place]) != piece {
            place = (place + 1) & mask;
        }
        place
    }

    fn id(&self, hash: u64, piece: &str) -> Option<u32> {
        Some(self.table[self.place(hash, piece)]).filter(|&id| id != FREE)
    }

    fn may_begin(&self, hash: u64) -> bool {
        let bit = Hash::end(hash) as usize % (64 * self.beginnings.len());
        self.beginnings[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// The most likely pieces of a text, each with its end; ids of characters that no piece covers
    /// are `unk_id`.
    ///
    /// Viterbi over character boundaries; of paths equally likely the one found first stays.
    fn best(&self, text: &str) -> Result<Vec<(u32, usize)>> {
        #[derive(Clone, Copy)]
        struct Step {
            id: u32,
            score: f64,
            from: usize,
        }
        const NONE: usize = usize::MAX;
        let unknown_score = self.min_score - UNKNOWN_PENALTY;
        let mut steps = vec![Step { id: 0, score: 0.0, from: NONE }; text.len() + 1];
        let mut from = 0;
        while let Some(first) = text[from..].chars().next() {
            let before = steps[from].score;
            let mut offer = |end: usize, id: u32, score: f64| {
                let step = &mut steps[end];
                if step.from == NONE || score > step.score {
                    *step = Step { id, score, from };
                }
            };
            let mut is_covered = false;
            let (mut hash, mut end) = (self.hash.start, from);
            for char in text[from..].chars() {
                for byte in &text.as_bytes()[end..end + char.len_utf8()] {
                    hash = self.hash.step(hash, *byte);
                }
                end += char.len_utf8();
                if let Some(id) = self.id(hash, &text[from..end]) {
                    offer(end, id, self.list.scores[id as usize] + before);
                    is_covered |= end == from + first.len_utf8();
                }
                if !self.may_begin(hash) {
                    break;
                }
            }
            if !is_covered {
                // the crate asks for the unknown token only where it would be taken
                let (step, score) = (&mut steps[from + first.len_utf8()], unknown_score + before);
                if step.from == NONE || score > step.score {
                    let id = self.unk_id.ok_or(UnigramError::MissingUnkId)?;
                    *step = Step { id, score, from };
                }
            }
            from += first.len_utf8();
        }
        let mut path = Vec::new();
        let mut end = text.len();
        while end > 0 {
            path.push((steps[end].id, end));
            end = steps[end].from;
        }
        path.reverse();
        Ok(path)
    }

    /// Tokens of a run of unknown characters: a piece by chance, its bytes, or one unknown token.
    fn unknown(&self, run: &str, start: usize, tokens: &mut Vec<Token>) -> Result<()> {
        let offsets = (start, start + run.len());
        if let Some(id) = self.id(self.hash.of(run), run) {
            tokens.push(Token::new(id, run.to_owned(), offsets));
            return Ok(());
        }
        if self.byte_fallback {
            let token = |byte: u8| {
                let name = format!("<0x{byte:02X}>");
                self.id(self.hash.of(&name), &name).map(|id| Token::new(id, name, offsets))
            };
            if let Some(bytes) = run.bytes().map(token).collect::<Option<Vec<_>>>() {
                tokens.extend(bytes);
                return Ok(());
            }
        }
        let id = self.unk_id.ok_or(UnigramError::MissingUnkId)?;
        tokens.push(Token::new(id, run.to_owned(), offsets));
        Ok(())
    }

    fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        let path = self.best(text)?;
        let mut tokens = Vec::with_capacity(path.len());
        let (mut start, mut unknown_from) = (0, None);
        for (id, end) in path {
            if Some(id) == self.unk_id {
                unknown_from.get_or_insert(start);
            } else {
                if let Some(from) = unknown_from.take() {
                    self.unknown(&text[from..start], from, &mut tokens)?;
                }
                tokens.push(Token::new(id, text[start..end].to_owned(), (start, end)));
            }
            start = end;
        }
        match unknown_from {
            Some(from) => self.unknown(&text[from..], from, &mut tokens).map(|()| tokens),
            None => Ok(tokens),
        }
    }
}

impl fmt::Debug for TokenizerModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary").field("size", &self.get_vocab_size()).finish_non_exhaustive()
    }
}

impl Model for TokenizerModel {
    type Trainer = TrainerWrapper;

    fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        match self {
            Self::Pieces(pieces) => pieces.tokenize(text),
            Self::Other(model) => model.tokenize(text),
        }
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        match self {
            Self::Pieces(pieces) => pieces.id(pieces.hash.of(token), token),
            Self::Other(model) => model.token_to_id(token),
        }
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        match self {
            Self::Pieces(pieces) => {
                (id < pieces.list.len()).then(|| pieces.list.piece(id).to_owned())
            }
            Self::Other(model) => model.id_to_token(id),
        }
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        match self {
            Self::Pieces(pieces) => {
                (0..pieces.list.len()).map(|id| (pieces.list.piece(id).to_owned(), id)).collect()
            }
            Self::Other(model) => model.get_vocab(),
        }
    }

    fn get_vocab_size(&self) -> usize {
        match self {
            Self::Pieces(pieces) => pieces.list.ends.len(),
            Self::Other(model) => model.get_vocab_size(),
        }
    }

    fn save(&self, folder: &Path, name: Option<&str>) -> Result<Vec<PathBuf>> {
        match self {
            Self::Pieces(_) => Err("a vocabulary is read only".into()),
            Self::Other(model) => model.save(folder, name),
        }
    }

    fn get_trainer(&self) -> TrainerWrapper {
        match self {
            Self::Pieces(_) => ModelWrapper::Unigram(Default::default()).get_trainer(),
            Self::Other(model) => model.get_trainer(),
        }
    }
}

impl<'de> Deserialize<'de> for TokenizerModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(Parts)
    }
}

/// Reads the `model` of a `tokenizer.json`; its list of pieces is read in place if the type stands
/// before it, as it does in files that the crate wrote.
struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = TokenizerModel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tokenizer's model")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<TokenizerModel, A::Error> {
        let (mut parts, mut list) = (Map::new(), None);
        while let Some(key) = map.next_key::<String>()? {
            if key == "vocab" && parts.get("type").is_some_and(|kind| kind == "Unigram") {
                list = Some(map.next_value()?);
            } else {
                parts.insert(key, map.next_value()?);
            }
        }
        let kind = parts.get("type").and_then(Value::as_str).map(str::to_owned);
        // the crate's models cannot read their own type from a value
        let rest = |mut parts: Map<String, Value>| {
            parts.remove("type");
            Value::Object(parts)
        };
        let model = match kind.as_deref() {
            Some("Unigram") => return unigram(list, parts).map_err(A::Error::custom),
            Some("WordPiece") => serde_json::from_value(rest(parts)).map(ModelWrapper::WordPiece),
            Some("BPE") => serde_json::from_value(rest(parts)).map(ModelWrapper::BPE),
            _ => serde_json::from_value(Value::Object(parts)),
        };
        model.map(|model| TokenizerModel::Other(model.into())).map_err(A::Error::custom)
    }
}

fn unigram(list: Option<List>, mut parts: Map<String, Value>) -> Result<TokenizerModel> {
    let mut part = |name: &str| parts.remove(name).unwrap_or_default();
    let list = match list {
        Some(list) => list,
        None => serde_json::from_value(part("vocab"))?,
    };
    let unk_id = serde_json::from_value(part("unk_id"))?;
    let byte_fallback: Option<bool> = serde_json::from_value(part("byte_fallback"))?;
    let pieces = UnigramPieces::new(list, unk_id, byte_fallback.unwrap_or_default())?;
    Ok(TokenizerModel::Pieces(pieces.into()))
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("pairs of a piece and its score")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut pairs: A,
            ) -> std::result::Result<List, A::Error> {
                let mut list = List::default();
                while pairs.next_element_seed(Pair(&mut list))?.is_some() {}
                Ok(list)
            }
        }

        deserializer.deserialize_seq(Pairs)
    }
}

/// Reads a piece and its score to the end of a list.
struct Pair<'a>(&'a mut List);

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a piece and its score")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> std::result::Result<(), A::Error> {
        let list = self.0;
        let missing = || A::Error::custom("a piece without its score");
        pair.next_element_seed(Piece(&mut list.text))?.ok_or_else(missing)?;
        list.scores.push(pair.next_element()?.ok_or_else(missing)?);
        list.ends.push(u32::try_from(list.text.len()).map_err(A::Error::custom)?);
        match pair.next_element::<serde::de::IgnoredAny>()? {
            Some(_) => Err(A::Error::custom("more than a piece and its score")),
            None => Ok(()),
        }
    }
}

/// Appends a string.
struct Piece<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Piece<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Piece<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a piece")
    }

    fn visit_str<E>(self, piece: &str) -> std::result::Result<(), E> {
        self.0.push_str(piece);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
