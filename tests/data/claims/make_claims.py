"""Makes claims.jsonl: true and altered claims over real passages, to test what may be cited.

usage: make_claims.py DATA > claims.jsonl      DATA holds xquad-en, piaf, medquad and scifact in the BEIR layout

Every claim is made by a rule from a sentence of its passage; `kind` names the rule. Odd documents are held out: nothing in
the engine was chosen by them.
"""

import json
import pathlib
import random
import re
import sys

SEED, PER_CELL = 20261129, {True: 75, False: 75}
ENGLISH = ("xquad-en", "medquad", "scifact")
AUX = "is|are|was|were|can|could|may|might|must|should|will|would|has|have|had"
AUX_FR = {"est": "n'est pas", "sont": "ne sont pas", "était": "n'était pas", "étaient": "n'étaient pas", "peut": "ne peut pas",
          "peuvent": "ne peuvent pas", "doit": "ne doit pas", "doivent": "ne doivent pas", "a": "n'a pas", "ont": "n'ont pas",
          "fut": "ne fut pas", "permet": "ne permet pas", "possède": "ne possède pas"}
MONTHS = "January February March April May June July August September October November December".split()
MONTHS_FR = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
SWAPS = [("more", "less"), ("before", "after"), ("increased", "decreased"), ("increase", "decrease"), ("increases", "decreases"), ("higher", "lower"),
         ("largest", "smallest"), ("larger", "smaller"), ("first", "last"), ("north", "south"), ("northern", "southern"), ("east", "west"),
         ("eastern", "western"), ("early", "late"), ("all", "some"), ("always", "sometimes"), ("often", "rarely"), ("common", "rare"), 
         ("above", "below"), ("best", "worst"), ("won", "lost"), ("high", "low"), ("maximum", "minimum"), ("left", "right"), ("young", "old"), ("positive", "negative"),
         ("strong", "weak"), ("external", "internal"), ("male", "female"), ("public", "private"), ("at least", "at most"), ("over", "under"), ("upper", "lower")]
SWAPS_FR = [("plus", "moins"), ("avant", "après"), ("augmente", "diminue"), ("premier", "dernier"), ("première", "dernière"), ("grand", "petit"), ("grande", "petite"),
            ("nord", "sud"), ("est de", "ouest de"), ("tous", "certains"), ("toutes", "certaines"), ("toujours", "parfois"), ("souvent", "rarement"), ("supérieure", "inférieure"),
            ("supérieur", "inférieur"), ("maximum", "minimum"), ("au moins", "au plus"), ("ancien", "nouveau"), ("fort", "faible"), ("haut", "bas")]
MODALS = [("may", "must"), ("can", "must"), ("must", "may"), ("should", "need not"), ("could", "must")]
MODALS_FR = [("peut", "doit"), ("peuvent", "doivent"), ("doit", "peut"), ("doivent", "peuvent"), ("pourrait", "doit")]
UNITS = [(" million", " billion"), (" billion", " million"), (" km", " m"), (" miles", " yards"), ("%", " mg"), (" percent", " years"), (" years", " months"), (" weeks", " hours"),
         (" months", " days"), (" days", " weeks"), (" hours", " minutes"), (" minutes", " hours"), (" kg", " g"), (" mg", " g"), (" ml", " l"), (" kilometres", " miles"), (" km²", " m²"),
         (" ans", " mois"), (" jours", " heures"), (" mètres", " kilomètres"), (" millions", " milliards"), (" milliards", " millions"), (" %", " km"), (" euros", " dollars"), (" heures", " minutes"), (" m ", " km ")]
WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
WORDS_FR = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze".split()
SYNONYMS = [("began", "started"), ("large", "big"), ("such as", "like"), ("located", "situated"), ("also ", ""), ("However, ", ""), ("many", "numerous"), ("is not", "isn't"),
            ("are not", "aren't"), ("was not", "wasn't"), ("did not", "didn't"), ("does not", "doesn't"), ("cannot", "can't"), ("usually", "generally"), ("important", "significant"),
            ("people", "persons"), ("approximately", "about"), ("because", "since"), ("help", "aid"), ("show", "demonstrate"), ("use", "employ")]
SYNONYMS_FR = [("également ", ""), ("aussi ", ""), ("situé", "placé"), ("notamment ", ""), ("grâce à", "au moyen de"), ("commence", "débute"), ("Cependant, ", ""), ("ainsi ", ""), ("afin de", "pour"), ("car", "parce que"), ("nombreux", "beaucoup de")]


def sentences(text):
    parts = re.split(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý])", re.sub(r"\s+", " ", text).strip())
    return [part for part in parts if part]


def replace(sentence, old, new):
    """The first whole-word occurrence replaced, its capital kept."""
    pattern = rf"(?<![\w-]){re.escape(old.strip())}(?![\w-])" if old.strip().isalpha() else re.escape(old)
    found = re.search(pattern, sentence)
    if not found:
        return None
    if old.strip().isalpha():
        new = new.strip() if old.strip() == old or new.strip() else new
    if found[0][:1].isupper():
        new = new[:1].upper() + new[1:]
    return sentence[: found.start()] + new.strip() * old.strip().isalpha() + new * (not old.strip().isalpha()) + sentence[found.end():]


def either(pairs, rng, both=True):
    def rule(s, _):
        options = [replace(s, a, b) for a, b in pairs] + ([replace(s, b, a) for a, b in pairs] if both else [])
        options = [option for option in options if option and option != s]
        return rng.choice(options) if options else None
    return rule


def negate(s, french):
    if french:
        for verb, denied in AUX_FR.items():
            found = re.search(rf"(?<![\w'’-]){verb}(?![\w-])", s)
            if found and "ne " not in s and "n'" not in s:
                return s[: found.start()] + denied + s[found.end():]
        return None
    found = re.search(rf"\b({AUX})\b(?! not| no\b)", s)
    return s[: found.end()] + " not" + s[found.end():] if found else None


def drop_negation(s, french):
    if french:
        new = re.sub(r"\bne (\w+) (?:pas|plus|jamais) ", r"\1 ", s, count=1)
        new = new if new != s else re.sub(r"\bn['’](\w+) (?:pas|plus|jamais) ", r"\1 ", s, count=1)
    else:
        new = re.sub(r" not(?! only)\b| never\b| no longer\b|n't\b", "", s, count=1)
        new = new if new != s else re.sub(r"\bwithout\b", "with", s, count=1)
    return new if new != s else None


def number(s, _):
    for found in re.finditer(r"(?<![\w.,-])\d{2,4}(?![\w,]|\.\d)", s):
        digits = found[0]
        new = digits[:-2] + digits[-1] + digits[-2]
        if new == digits or new.startswith("0"):
            new = str(int(digits) + 7)
        return s[: found.start()] + new + s[found.end():]
    return None


def small_number(s, french):
    words = WORDS_FR if french else WORDS
    for at in range(2, 9):
        new = replace(s, words[at], words[at + 3])
        if new:
            return new
    return None


def decimal(s, _):
    found = re.search(r"(?<![\d.,])(\d+)[.,](\d{1,2})(?![\d.,])", s)
    return s[: found.start()] + found[1] + found[2] + s[found.end():] if found else None


def sign(s, _):
    found = re.search(r"(?<![\w\d%°])[-−–](?=\d+(?:[.,]\d+)? ?(?:°|%|degr))", s)
    if found:
        return s[: found.start()] + s[found.end():]
    found = re.search(r"(?<![\w.,-])(?=\d+(?:[.,]\d+)? ?(?:°|degr))", s)
    return s[: found.start()] + "-" + s[found.start():] if found else None


def date(s, french):
    months = MONTHS_FR if french else MONTHS
    for at, month in enumerate(months):
        if month in ("May", "mars", "mai", "March") and not re.search(rf"{month} \d|\d {month}", s):
            continue
        new = replace(s, month, months[(at + 5) % 12])
        if new:
            return new
    found = re.search(r"\b(1[5-9]\d\d|20[0-2]\d)\b", s)
    return s[: found.start()] + str(int(found[0]) - 11) + s[found.end():] if found else None


def names(s):
    return [m for m in re.finditer(r"(?<=[a-zéè,] )[A-ZÉ][\w'-]{3,}(?: [A-ZÉ][\w'-]{2,})*", s)]


def entity(s, french, pool, rng):
    found = names(s)
    if not found:
        return None
    match = rng.choice(found)
    other = rng.choice(pool)
    if other in s or set(other.split()) & set(match[0].split()):
        return None
    return s[: match.start()] + other + s[match.end():]


def role(s, french):
    name = r"(?:the |The )?[A-Z][\w'-]+(?: [A-Z][\w'-]+)*"
    found = not french and re.search(rf"^(?!This|These|Those|It |He |She |They |We |Here )({name}) (\w+ed|won|beat|led|made|took|gave|is part of|founded) ({name})\b", s)
    if found and found[1].lower() != found[3].lower():
        return f"{found[3]} {found[2]} {found[1]}{s[found.end():]}"
    found = re.search(rf"\bfrom ({name}|\d+) to ({name}|\d+)\b", s) or re.search(rf"\bde ({name}) à ({name})\b", s)
    if found:
        return s[: found.start(1)] + found[2] + s[found.end(1): found.start(2)] + found[1] + s[found.end(2):]
    found = not french and re.search(r"^(The \w+) (\w+ed) (the \w+) (?!of|and)", s)
    return f"{found[3].capitalize()} {found[2]} {found[1].lower()} {s[found.end():]}" if found else None


def shortened(s, _):
    new = re.sub(r" \([^)]*\)", "", s)
    new = new if new != s else re.sub(r", (?:which|who|where|dont|qui|où|ce qui)\b[^,.]*(?=[.])", "", s)
    new = new if new != s else re.sub(r"^(?:However|Moreover|In addition|Additionally|Cependant|Toutefois|Par ailleurs|En effet), ", "", s)
    return new if new != s and len(new) > 30 else None


def reordered(s, _):
    found = re.match(r"^((?:In|On|At|By|During|After|Before|From|For|En|Au|À|Dans|Pendant|Depuis|Après|Avant|Lors) [^,.]{3,40}), ([^.]+)\.$", s)
    if not found:
        return None
    rest = found[2]
    return f"{rest[0].upper()}{rest[1:]} {found[1][0].lower()}{found[1][1:]}."


def reformatted(s, french):
    words = WORDS_FR if french else WORDS
    found = re.search(r"(?<![\w.,-])(\d{1,3}),(\d{3})(?![\w,.])", s)
    if found and not french:
        return s[: found.start()] + found[1] + found[2] + s[found.end():]
    found = re.search(r"(?<![\w.,-])(\d{1,3})[  ](\d{3})(?![\w,.])", s)
    if found and french:
        return s[: found.start()] + found[1] + found[2] + s[found.end():]
    found = re.search(r"\b(\d{1,2}) (" + "|".join(MONTHS) + r") (\d{4})", s)
    if found:
        return s[: found.start()] + f"{found[2]} {found[1]}, {found[3]}" + s[found.end():]
    found = re.search(r"\b(" + "|".join(MONTHS) + r") (\d{1,2}), (\d{4})", s)
    if found:
        return s[: found.start()] + f"{found[2]} {found[1]} {found[3]}" + s[found.end():]
    found = re.search(r"(?<![\w.,])([2-9]|1[0-2])(?= [a-z]{4})", s)
    if found:
        return s[: found.start()] + words[int(found[1])] + s[found.end():]
    for at in range(2, 13):
        new = replace(s, words[at], str(at))
        if new:
            return new
    return s.replace("%", " percent", 1) if "%" in s and not french else None


def questioned(s, french, small):
    """The sentence as a question of yes or no; `small` holds the words that begin small elsewhere."""
    word = re.match(r"\w+", s)[0]
    if word.lower() in ("mais", "et", "but", "and", "or", "ou", "if", "when", "there", "in", "here"):
        return None
    if word.lower() in small:
        s = s[0].lower() + s[1:]
    if french:
        return f"Est-ce que {s.rstrip('.')} ?".replace("que il", "qu'il").replace("que elle", "qu'elle")
    found = re.match(rf"^((?:\w+[ '-]?){{1,6}}?) ({AUX}) ([^,;:]+)\.$", s)
    if not found:
        return None
    return f"{found[2].capitalize()} {found[1]} {found[3]}?"


def documents(data):
    for source in (*ENGLISH, "piaf"):
        lines = (data / source / "corpus.jsonl").read_text().splitlines()
        step = max(1, len(lines) // 700)
        for place, line in enumerate(lines[::step]):
            document = json.loads(line)
            yield source, place, document["text"]


def windows(data):
    for source, place, text in documents(data):
        parts = sentences(text)[:12]
        for at, sentence in enumerate(parts):
            if 50 <= len(sentence) <= 240 and sentence.endswith(".") and sentence[0].isupper() and not re.search(r"[\[\]|]| - ", sentence):
                yield source, place, " ".join(parts[max(0, at - 1): at + 2]), sentence


def answers(data):
    """The answers of people, as claims in their own words."""
    for source in ("xquad-en", "piaf"):
        corpus = {}
        for place, line in enumerate((data / source / "corpus.jsonl").read_text().splitlines()):
            document = json.loads(line)
            corpus[document["_id"]] = (place, document["text"])
        qrels = dict(line.split("\t")[:2] for line in (data / source / "qrels.tsv").read_text().splitlines()[1:])
        for line in (data / source / "queries.jsonl").read_text().splitlines():
            query = json.loads(line)
            place, text = corpus[qrels[query["_id"]]]
            answer = query["answers"][0]
            holding = [at for at, part in enumerate(sentences(text)) if answer in part]
            if holding and 2 < len(answer) < 60:
                parts = sentences(text)
                yield source, place, " ".join(parts[max(0, holding[0] - 1): holding[0] + 2]), query["text"], answer


def main():
    data, rng = pathlib.Path(sys.argv[1]), random.Random(SEED)
    rows = list(windows(data))
    rng.shuffle(rows)
    pool = {french: sorted({m[0] for source, _, _, s in rows if (source == "piaf") == french for m in names(s)}) for french in (False, True)}
    small = {word for row in rows for word in re.findall(r"(?<= )[a-zà-ÿ]+", row[3])}
    altered = {
        "negation added": negate, "negation dropped": drop_negation, "number": number, "number word": small_number, "decimal mark": decimal,
        "sign": sign, "unit": lambda s, f: either(UNITS, rng, False)(s, f) if re.search(r"\d", s) else None, "date": date,
        "opposite": lambda s, f: either(SWAPS_FR if f else SWAPS, rng)(s, f), "modality": lambda s, f: either(MODALS_FR if f else MODALS, rng, False)(s, f),
        "entity": lambda s, f: entity(s, f, pool[f], rng), "role": role,
    }
    true = {
        "verbatim": lambda s, f: s, "shortened": shortened, "reordered": reordered, "reformatted": reformatted,
        "synonym": lambda s, f: either(SYNONYMS_FR if f else SYNONYMS, rng, False)(s, f),
    }
    out = []

    def full(kind, is_true, held_out, source):
        """Kinds have equal shares, and so have the sources, French being one half."""
        quota = 22 if is_true else 12
        same = [row for row in out if (row["kind"], row["true"], row["half"]) == (kind, is_true, "odd" if held_out else "even")]
        french = sum(row["source"] == "piaf" for row in same)
        return len(same) >= quota or (source == "piaf" and french >= quota // 2) or (source != "piaf" and kind not in ("sign", "decimal mark") and len(same) - french >= quota // 2 + 2)

    def add(kind, is_true, source, place, passage, question, claim):
        half = "odd" if place % 2 else "even"
        if len(claim) > 8 and any(row["claim"] == claim for row in out):
            return False
        if not full(kind, is_true, bool(place % 2), source):
            out.append({"source": source, "half": half, "true": is_true, "kind": kind, "question": question, "claim": claim, "passage": passage})
            return True
        return False

    for source, place, passage, sentence in rows:
        french, done = source == "piaf", False
        question = "Qu'en est-il ?" if french else "What is said of it?"
        order = list(altered.items())
        rng.shuffle(order)
        for kind, rule in order:
            new = rule(sentence, french)
            if new and new != sentence and rng.random() < 0.5:
                # half of the altered claims are shortened or reordered besides
                for change in (shortened, reordered):
                    changed = change(new, french)
                    if changed and changed not in (sentence, change(sentence, french)):
                        new = changed
                        break
            if new and new != sentence and add(kind, False, source, place, passage, question, new):
                done = True
                break
        if done:
            continue
        order = list(true.items())
        rng.shuffle(order)
        for kind, rule in order:
            new = rule(sentence, french)
            if new and (new != sentence or kind == "verbatim") and add(kind, True, source, place, passage, question, new):
                done = True
                break
        if done:
            continue
        asked = questioned(sentence, french, small)
        if asked and not re.search(r"\b(?:not|never|ne|no)\b|n['’]", sentence):
            yes, no = ("Oui.", "Non.") if french else ("Yes.", "No.")
            if rng.random() < 0.5:
                add("yes", True, source, place, passage, asked, yes)
            else:
                add("yes and no", False, source, place, passage, asked, no)
    people = list(answers(data))
    rng.shuffle(people)
    for source, place, passage, question, answer in people:
        add("answer of people", True, source, place, passage, question, answer)
    # made up to the same number of each
    for half in ("even", "odd"):
        for is_true in (True, False):
            count = sum(row["half"] == half and row["true"] == is_true for row in out)
            spare = iter(rows)
            while is_true and count < PER_CELL[is_true] * 2:
                source, place, passage, sentence = next(spare)
                if ("odd" if place % 2 else "even") == half:
                    new = shortened(sentence, source == "piaf") or reordered(sentence, source == "piaf")
                    if new and not any(row["claim"] == new for row in out):
                        out.append({"source": source, "half": half, "true": True, "kind": "shortened", "question": "What is said of it?" if source != "piaf" else "Qu'en est-il ?", "claim": new, "passage": passage})
                        count += 1
    for row in out:
        print(json.dumps(row, ensure_ascii=False))


main()
