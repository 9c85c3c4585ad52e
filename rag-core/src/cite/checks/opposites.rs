//! Words that mean the opposite of each other: directions, states, comparatives, amounts.

use std::collections::HashMap;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

use crate::words;

/// Two sides, folded, words separated by spaces; what stands on one side is the opposite of all on
/// the other.
const PAIRS: &[(&str, &str)] = &[
    (
        "increase increases increased increasing increasingly rise rises rose rising raise raises raised raising grow grows grew growing growth higher augmente augmentent augmenter augmentation hausse croissance",
        "decrease decreases decreased decreasing decreasingly reduce reduces reduced reducing reduction decline declines declined declining drop drops dropped lower lowers lowered fall falls fell falling diminue diminuent diminuer diminution baisse baisser reduit reduire",
    ),
    (
        "more most greater superieur superieure davantage plus",
        "less least fewer fewest lesser inferieur inferieure moins",
    ),
    ("high highest haut haute hauts hautes eleve elevee", "low lowest bas basse basses faible"),
    ("above over dessus", "below under beneath dessous"),
    (
        "before prior earlier avant anterieur anterieure auparavant precede preceded precedes",
        "after later following subsequent apres posterieur posterieure ensuite succede followed follows",
    ),
    ("maximum maximal max", "minimum minimal min"),
    (
        "largest biggest greatest large big larger bigger grand grande grands grandes",
        "smallest small smaller little tiny petit petite petits petites",
    ),
    (
        "longest long longer longue longues longs",
        "shortest short shorter court courte courts courtes",
    ),
    ("first premier premiere premiers premieres", "last dernier derniere derniers dernieres final"),
    ("left gauche", "right droite"),
    (
        "open opens opened opening ouvert ouverte ouverts ouvertes ouvrir ouvre ouvrent ouverture",
        "close closes closed closing shut shuts ferme fermee fermes fermees fermer fermeture",
    ),
    (
        "start starts started starting begin begins began begun commence commencer commencent debut debute",
        "stop stops stopped stopping end ends ended ending finish finished finit terminer termine fin arrete arreter",
    ),
    (
        "enable enables enabled activate activated activates active actif activer",
        "disable disables disabled deactivate deactivated inactive inactif desactiver desactive",
    ),
    (
        "allow allows allowed allowing permit permits permitted permitting authorised authorized permis permise autorise autorisee autorises autorisees autoriser",
        "forbid forbids forbidden prohibit prohibits prohibited ban bans banned interdit interdite interdits interdites interdire defendu",
    ),
    ("legal lawful legally", "illegal unlawful illegally"),
    (
        "include includes included including inclus incluse",
        "exclude excludes excluded excluding exclu exclus exclue",
    ),
    (
        "accept accepts accepted accepting approve approved accepte acceptee accepter approuve",
        "reject rejects rejected rejecting refuse refuses refused refusing refusee refuser rejete rejetee rejeter",
    ),
    (
        "win wins won winning victory gagne gagner victoire remporte",
        "lose loses lost losing defeat perd perdre perdu defaite",
    ),
    ("gain gains gained", "loss losses"),
    ("buy buys bought purchase purchased achete acheter", "sell sells sold vend vendre vendu"),
    ("import imports imported importer", "export exports exported exporter"),
    ("hot hotter hottest warm warmer chaud chaude", "cold colder coldest cool cooler froid froide"),
    ("north northern northward nord septentrional", "south southern southward sud meridional"),
    (
        "east eastern eastward est oriental orientale",
        "west western westward ouest occidental occidentale",
    ),
    ("early earliest", "late latest"),
    (
        "old older oldest ancien ancienne vieux vieille",
        "new newer newest young younger youngest recent nouveau nouvelle jeune",
    ),
    ("wide wider widest broad large", "narrow narrower narrowest etroit"),
    ("deep deeper profond profonde", "shallow"),
    ("heavy heavier heaviest lourd lourde", "light lighter lightest leger legere"),
    ("strong stronger strongest fort forte forts fortes", "weak weaker weakest faible faibles"),
    (
        "fast faster fastest quick quickly rapid rapidly rapide rapidement",
        "slow slower slowest slowly lent lente lentement",
    ),
    ("rich richer wealthy riche riches", "poor poorer pauvre pauvres"),
    ("true vrai vraie", "false faux fausse"),
    (
        "success succeed succeeds succeeded successful succes reussi reussir reussite",
        "failure fail fails failed echec echoue echouer",
    ),
    ("positive positif positifs", "negative negatif negatifs"),
    (
        "male males men man boys homme hommes masculin",
        "female females women woman girls femme femmes feminin",
    ),
    ("husband father son brother mari pere frere", "wife mother daughter sister epouse mere soeur"),
    ("upper superior", "lower inferior"),
    (
        "inside internal inner interior indoor interieur interieure interne",
        "outside external outer exterior outdoor exterieur exterieure externe",
    ),
    (
        "up upward upwards upstream amont monter monte",
        "down downward downwards downstream aval descendre descend",
    ),
    ("public publique publiques", "private prive privee privees"),
    (
        "common frequent frequently often frequente souvent frequemment",
        "rare rarely uncommon infrequent seldom rarement rares",
    ),
    ("major majority majeur majorite", "minor minority mineur minorite"),
    ("many much numerous beaucoup nombreux nombreuses plusieurs", "few little peu"),
    ("top", "bottom"),
    ("front avant", "back rear arriere"),
    ("day daytime daily jour", "night nighttime nuit"),
    ("morning matin", "evening soir"),
    (
        "better best improve improves improved improvement meilleur meilleure mieux ameliore ameliorer amelioration",
        "worse worst worsen worsens worsened pire aggrave aggraver",
    ),
    (
        "required mandatory compulsory obligatory obligatoire obligatoires requis requise",
        "optional voluntary facultatif facultative optionnel",
    ),
    ("safe safely safer", "dangerous unsafe harmful dangereux dangereuse"),
    ("benign", "malignant"),
    ("acute aigu aigue", "chronic chronique"),
    ("dominant", "recessive"),
    ("anterior", "posterior"),
    ("proximal", "distal"),
    ("ventral", "dorsal"),
    ("agree agrees agreed", "disagree disagrees disagreed"),
    ("present presence", "absent absence"),
    (
        "connect connects connected branche brancher connecte",
        "disconnect disconnects disconnected debranche debrancher deconnecte",
    ),
    ("lock locks locked verrouille", "unlock unlocks unlocked deverrouille"),
    ("attach attached", "detach detached"),
    (
        "expand expands expanded expansion",
        "contract contracts contracted contraction shrink shrinks shrank",
    ),
    (
        "arrive arrives arrived arrival arrivee arriver",
        "depart departs departed departure leave leaves left depart partir",
    ),
    (
        "add adds added adding ajoute ajouter",
        "remove removes removed removing subtract retire retirer supprime supprimer",
    ),
    ("cause causes caused causing trigger triggers", "prevent prevents prevented preventing"),
    (
        "promote promotes promoted enhance enhances enhanced activation stimulate stimulates stimulated",
        "inhibit inhibits inhibited inhibition suppress suppresses suppressed impair impairs impaired",
    ),
    ("upregulated upregulation upregulates", "downregulated downregulation downregulates"),
    ("push pousser pousse", "pull tirer tire"),
    (
        "always toujours everywhere partout",
        "sometimes occasionally parfois quelquefois rarely never",
    ),
    (
        "all every each entire everyone everybody tous toutes tout chaque",
        "some several certain certains certaines quelques plusieurs none half most few plupart moitie aucun aucune",
    ),
    (
        "full fully plein pleine complete completely",
        "empty partial partially partly vide partiel partiellement",
    ),
    ("support supports supported", "oppose opposes opposed opposition"),
    ("on allume allumer allumee", "off eteint eteindre eteinte"),
    ("exactly exactement", "approximately environ"),
    ("singular unique", "multiple"),
    ("summer ete", "winter hiver"),
    ("dry sec seche", "wet humide"),
    ("clean propre", "dirty sale"),
    ("same identical identique", "different differente distinct"),
    (
        "simple simpler easy easily facile facilement",
        "complex difficult hard complexe difficile difficilement",
    ),
    ("rural", "urban"),
    ("ally allies allie allies", "enemy enemies ennemi ennemis"),
    ("birth born naissance ne nee", "death died mort morte deces"),
];

/// For each key and each folded word the sides it stands on.
static SIDES: LazyLock<HashMap<String, Vec<(usize, bool)>>> = LazyLock::new(|| {
    let stemmers = [Algorithm::English, Algorithm::French].map(Stemmer::create);
    let mut sides: HashMap<String, Vec<(usize, bool)>> = HashMap::new();
    for (pair, (left, right)) in PAIRS.iter().enumerate() {
        for (side, list) in [(true, left), (false, right)] {
            for word in list.split(' ') {
                for name in [word.to_owned(), words::key(word, &stemmers)] {
                    let known = sides.entry(name).or_default();
                    if !known.contains(&(pair, side)) {
                        known.push((pair, side));
                    }
                }
            }
        }
    }
    sides
});

/// Whether two words, each folded and as a key, are opposites.
pub(super) fn are_opposite(a: (&str, &str), b: (&str, &str)) -> bool {
    let (Some(left), Some(right)) = (sides(a), sides(b)) else { return false };
    let against = |(pair, side): &(usize, bool)| right.contains(&(*pair, !*side));
    left.iter().any(against) && !left.iter().any(|side| right.contains(side))
}

/// Whether a word has an opposite that we know of.
pub(super) fn has_opposite(folded: &str, key: &str) -> bool {
    sides((folded, key)).is_some()
}

fn sides((folded, key): (&str, &str)) -> Option<&'static Vec<(usize, bool)>> {
    SIDES.get(folded).or_else(|| SIDES.get(key).filter(|_| !key.is_empty()))
}

/// Prefixes that turn a word around.
const PREFIXES: &[&str] = &["un", "in", "im", "il", "ir", "dis", "non", "mis", "anti", "de"];

/// Whether one word is the other with a prefix that turns it around: safe, unsafe.
pub(super) fn is_prefixed(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let rest = long.strip_suffix(short);
    short.len() >= 4 && rest.is_some_and(|prefix| PREFIXES.contains(&prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opposite(a: &str, b: &str) -> bool {
        let stemmers = [Algorithm::English, Algorithm::French].map(Stemmer::create);
        let (left, right) = (words::key(a, &stemmers), words::key(b, &stemmers));
        are_opposite((a, &left), (b, &right))
    }

    #[test]
    fn opposites_are_told_in_both_languages_whatever_their_ending() {
        for (a, b) in [
            ("open", "closed"),
            ("ouverte", "fermee"),
            ("increases", "decreased"),
            ("avant", "apres"),
            ("maximum", "minimum"),
            ("all", "some"),
            ("left", "right"),
        ] {
            assert!(opposite(a, b) && opposite(b, a), "{a} {b}");
        }
        assert!(!opposite("open", "opened") && !opposite("open", "left"));
        assert!(is_prefixed("safe", "unsafe") && is_prefixed("impossible", "possible"));
        assert!(!is_prefixed("able", "table"));
    }
}
