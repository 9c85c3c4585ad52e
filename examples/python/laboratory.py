"""The demonstration everybody knows: a list of sentences, a question, the sentence that answers it, and an assistant
with a persona that answers from it. Nothing is trained and nothing is sent anywhere.

    python examples/python/laboratory.py
"""

import rag_py

SENTENCES = [
    "Le laboratoire ERIC a été créé en 1995 à Lyon.",
    "Ses chercheurs travaillent sur la fouille de données et l'aide à la décision.",
    "La cafétéria du campus ouvre à huit heures.",
    "L'équipe compte une trentaine d'enseignants-chercheurs.",
    "Le tramway T2 s'arrête devant le bâtiment K.",
    "Les doctorants présentent leurs travaux chaque printemps.",
    "La bibliothèque prête des ordinateurs portables aux étudiants.",
    "Le prochain séminaire portera sur les réseaux de neurones.",
]
QUESTION = "Qui es-tu et en quelle année a été créé le laboratoire ?"
PERSONA = "Tu es Mirabelle, l'assistante du laboratoire ERIC. Tu te présentes par ton nom."


def main() -> None:
    with rag_py.open(":memory:", encoder="e5-small", llm="qwen2.5-0.5b") as documents:
        documents.add(SENTENCES)

        passage_id = documents.search(QUESTION, 1)[0][0]
        sentence = documents.passage(passage_id)
        assert sentence is not None
        print(f"question  {QUESTION}\nsentence  {sentence.text}")

        answer = documents.ask(QUESTION, top_k=1, system=PERSONA)
        print(f"answer    {answer.text}")
        for citation in answer.citations:
            print(f"[{citation.marker}]       {citation.quote!r}")


if __name__ == "__main__":
    main()
