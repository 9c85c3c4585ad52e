// The demonstration everybody knows: a list of sentences, a question, the sentence that answers it, and an assistant
// with a persona that answers from it. Nothing is trained and nothing is sent anywhere.
#include <iostream>
#include <string>
#include <vector>

#include <rag.hpp>

static const std::vector<std::string> sentences = {
    "Le laboratoire ERIC a été créé en 1995 à Lyon.",
    "Ses chercheurs travaillent sur la fouille de données et l'aide à la décision.",
    "La cafétéria du campus ouvre à huit heures.",
    "L'équipe compte une trentaine d'enseignants-chercheurs.",
    "Le tramway T2 s'arrête devant le bâtiment K.",
    "Les doctorants présentent leurs travaux chaque printemps.",
    "La bibliothèque prête des ordinateurs portables aux étudiants.",
    "Le prochain séminaire portera sur les réseaux de neurones.",
};
static const std::string question = "Qui es-tu et en quelle année a été créé le laboratoire ?";
static const std::string persona = "Tu es Mirabelle, l'assistante du laboratoire ERIC. Tu te présentes par ton nom.";

static void run() {
    rag::OpenOptions models;
    models.encoder = "e5-small";
    models.llm = "qwen2.5-0.5b";
    rag::KnowledgeBase documents(":memory:", models);
    for (std::size_t i = 0; i < sentences.size(); i++) documents.add("sentence:" + std::to_string(i), sentences[i]);

    rag::SearchOptions nearest;
    nearest.top_k = 1;
    const rag::Hits hits = documents.search(question, nearest);
    std::cout << "question  " << question << "\nsentence  " << hits[0].text() << " (score " << hits[0].score() << ")\n";

    rag::AskOptions options;
    options.search.top_k = 1;
    options.system = persona;
    const rag::Answer answer = documents.ask(question, options);
    std::cout << "answer    " << answer.text() << "\n";
    for (const rag::Citation &citation : answer.citations())
        std::cout << "[" << citation.marker() << "]       " << citation.uri() << " \"" << citation.quote() << "\"\n";
}

int main() {
    try {
        run();
    } catch (const rag::Error &error) {
        std::cerr << "error: " << error.what() << "\n";
        return 1;
    }
}
