//! The demonstration everybody knows: a list of sentences, a question, the sentence that answers
//! it, and an assistant with a persona that answers from it. Nothing is trained and nothing is sent
//! anywhere.
//!
//! `cargo run --release -p rag-core --example laboratory`
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use rag_core::model::ModelDirs;
use rag_core::search::SearchOptions;
use rag_core::{AskOptions, Call, KnowledgeBase, OpenOptions};

const SENTENCES: [&str; 8] = [
    "Le laboratoire ERIC a été créé en 1995 à Lyon.",
    "Ses chercheurs travaillent sur la fouille de données et l'aide à la décision.",
    "La cafétéria du campus ouvre à huit heures.",
    "L'équipe compte une trentaine d'enseignants-chercheurs.",
    "Le tramway T2 s'arrête devant le bâtiment K.",
    "Les doctorants présentent leurs travaux chaque printemps.",
    "La bibliothèque prête des ordinateurs portables aux étudiants.",
    "Le prochain séminaire portera sur les réseaux de neurones.",
];
const QUESTION: &str = "Qui es-tu et en quelle année a été créé le laboratoire ?";
const PERSONA: &str =
    "Tu es Mirabelle, l'assistante du laboratoire ERIC. Tu te présentes par ton nom.";

fn main() -> Result<(), Box<dyn Error>> {
    let options = OpenOptions {
        encoder: Some("e5-small".to_owned()),
        llm: Some("qwen2.5-0.5b".to_owned()),
        model_dirs: ModelDirs::from_variables(|name| std::env::var_os(name)),
        ..OpenOptions::default()
    };
    let documents = KnowledgeBase::open(":memory:", &options)?;
    for (number, sentence) in SENTENCES.iter().enumerate() {
        documents.add(&format!("sentence:{number}"), sentence)?;
    }

    let nearest = SearchOptions { top_k: 1, ..SearchOptions::default() };
    let hit = documents.search_with(QUESTION, &nearest, Call::new())?.remove(0);
    println!("question  {QUESTION}\nsentence  {} (score {:.3})", hit.text, hit.score);

    let ask =
        AskOptions { search: nearest, system: Some(PERSONA.to_owned()), ..AskOptions::default() };
    let answer = documents.ask_with(QUESTION, &ask, Call::new())?;
    println!("answer    {}", answer.text);
    for citation in &answer.citations {
        println!("[{}]       {} {:?}", citation.marker, citation.uri, citation.quote);
    }
    Ok(())
}
