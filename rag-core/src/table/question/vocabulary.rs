//! The words by which English and French ask to count, add up, compare and sort: one list, folded,
//! without accents. Other languages ask through the generator.

/// What a phrase of a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// So many of what follows.
    Count,
    Different,
    Sum,
    Mean,
    Greatest,
    Least,
    /// The figure that follows is a bound.
    Above,
    AtLeast,
    Below,
    AtMost,
    /// Two bounds follow.
    Between,
    /// As the bounds, of days and years.
    After,
    Since,
    Before,
    Until,
    /// A figure for each value of the column that follows.
    Each,
    /// The first of a sorted list.
    Top,
    /// Who or what: the name of the row.
    Who,
    /// A day.
    When,
    /// A price.
    HowMuch,
    /// Words that a table question may have and that ask nothing.
    Filler,
    /// Rows, whatever they are about.
    Rows,
    /// The question is not one that a table answers, or not one that is understood here.
    Blocker,
}

/// Phrases of each sense, between bars; the longest that fits counts.
const PHRASES: &[(Sense, &str)] = &[
    (
        Sense::Count,
        "how many|number of|the number of|count|count of|count the|combien de|combien d|\
         combien|nombre de|nombre d|le nombre de|le nombre d|combien y a t il de|\
         combien y a t il d",
    ),
    (Sense::Different, "different|distinct|unique|differents|differentes|distincts|distinctes"),
    (
        Sense::Sum,
        "total|sum|sum of|in total|altogether|overall|combined|total of|total number of|\
         the total number of|somme|somme de|au total|en tout|total de|total des|totale|cumul|\
         le nombre total de|nombre total de|nombre total d|added up|add up|ensemble",
    ),
    (Sense::Mean, "average|mean|on average|moyenne|en moyenne|moyen|la moyenne de"),
    (
        Sense::Greatest,
        "highest|largest|biggest|greatest|maximum|maximal|max|most|the most|plus grand|\
         plus grande|plus eleve|plus elevee|plus haut|plus haute|plus gros|plus grosse|\
         maximale|le plus de|le plus|plus important|plus importante|le plus d|la plus grande|\
         le plus grand|le plus eleve|la plus elevee|la plus haute|le plus haut|la plus forte|\
         plus forte|plus fort",
    ),
    (
        Sense::Least,
        "lowest|smallest|least|the least|minimum|minimal|min|fewest|the fewest|plus petit|\
         plus petite|plus bas|plus basse|plus faible|minimale|le moins de|le moins|\
         moins eleve|moins elevee|le moins d|la plus petite|le plus petit|la plus basse|\
         le plus bas|la plus faible|le plus faible|le moins eleve|la moins elevee",
    ),
    (
        Sense::Above,
        "more than|over|above|greater than|higher than|larger than|exceeding|plus de|\
         plus que|superieur a|superieure a|superieurs a|superieures a|plus d|depasse|\
         depassant|au dessus de",
    ),
    (Sense::AtLeast, "at least|no less than|not less than|or more|au moins|minimum de"),
    (
        Sense::Below,
        "less than|under|below|fewer than|lower than|smaller than|moins de|moins que|\
         inferieur a|inferieure a|inferieurs a|inferieures a|moins d|en dessous de",
    ),
    (Sense::AtMost, "at most|no more than|not more than|up to|au plus|jusqu a|au maximum"),
    (Sense::Between, "between|entre"),
    (Sense::After, "after|apres|later than"),
    (Sense::Since, "since|depuis|from|a partir de|a partir du"),
    (Sense::Before, "before|avant|earlier than"),
    (Sense::Until, "until|jusqu en"),
    (Sense::Each, "by|per|for each|each|par|pour chaque|chaque|for every"),
    (Sense::Top, "top|first|les premiers|les premieres"),
    (Sense::Who, "who|whose|qui"),
    (Sense::When, "when|quand|on what date|on which date|a quelle date"),
    (
        Sense::HowMuch,
        "how much|how much does|how much do|how much is|combien coute|combien coutent|cost|\
         costs|coute|coutent|combien vaut|how expensive",
    ),
    (
        Sense::Filler,
        "show|give|tell|list|find|please|me|there|value|figure|called|named|table|is there|\
         are there|have|has|having|whats|s|all|the value of|look up|donne|donnez|montre|\
         affiche|liste|indique|valeur|tableau|y a t il|ayant|tous|toutes|tout|toute|dont|d|l|\
         moi|selon|according to|listed|shown|recorded|given|indiquee|pour|for|svp|quels sont|\
         quelles sont|entries with|whole|entire|etait|etaient|fut|furent|sera|seront|hold|\
         holds|held|own|owns|contain|contains|include|includes|belong|belongs|live|lives|\
         lived|located|found|get|gets|got|play|plays|played|stand|stands|trouve|se trouve|\
         situe|situee|habite|possede|detient|contient|compte|joue|t|during|pendant|file|\
         fichier|sheet|feuille|every|across|those|ceux|celles|that|et|and|c|n|counted|\
         observed|measured|reported|report|reach|reaches|reached|made|make|makes|compte|\
         comptes|releve|releves|mesure|mesures|atteint|atteignent|avait|avaient|score|scores",
    ),
    (Sense::Rows, "rows|row|entries|entry|records|lines|lignes|ligne|entrees|enregistrements"),
    (
        Sense::Blocker,
        "not|no|non|ne|pas|without|sans|except|excluding|sauf|hors|why|pourquoi|how|comment|\
         if|si|but|mais|nor|neither|never|jamais|than|other|autre|autres|versus|vs|compared|\
         difference|ratio|share|part de|should|would|could|can|may|peut|peuvent|doit|faut|\
         where|second|third|deuxieme|troisieme|median|mediane|last|dernier|derniere|next|\
         rank",
    ),
];

/// The phrases of a sense.
pub(super) fn phrases_of(
    is: impl Fn(Sense) -> bool,
) -> impl Iterator<Item = (Sense, &'static str)> {
    let senses = PHRASES.iter().filter(move |(sense, _)| is(*sense));
    senses.flat_map(|(sense, phrases)| phrases.split('|').map(|phrase| (*sense, phrase)))
}

/// Adjectives that are a figure of a column: what they say of it, and what it may be called.
pub(super) const ADJECTIVES: &[(&str, Sense, &[&str])] = &[
    ("cheapest", Sense::Least, PRICE),
    ("least expensive", Sense::Least, PRICE),
    ("moins cher", Sense::Least, PRICE),
    ("moins chere", Sense::Least, PRICE),
    ("dearest", Sense::Greatest, PRICE),
    ("most expensive", Sense::Greatest, PRICE),
    ("priciest", Sense::Greatest, PRICE),
    ("plus cher", Sense::Greatest, PRICE),
    ("plus chere", Sense::Greatest, PRICE),
    ("oldest", Sense::Greatest, &["age"]),
    ("youngest", Sense::Least, &["age"]),
    ("plus age", Sense::Greatest, &["age"]),
    ("plus agee", Sense::Greatest, &["age"]),
    ("plus jeune", Sense::Least, &["age"]),
    ("tallest", Sense::Greatest, HEIGHT),
    ("highest", Sense::Greatest, HEIGHT),
    ("heaviest", Sense::Greatest, WEIGHT),
    ("lightest", Sense::Least, WEIGHT),
    ("plus lourd", Sense::Greatest, WEIGHT),
    ("plus lourde", Sense::Greatest, WEIGHT),
    ("plus leger", Sense::Least, WEIGHT),
    ("plus legere", Sense::Least, WEIGHT),
    ("longest", Sense::Greatest, LENGTH),
    ("shortest", Sense::Least, LENGTH),
    ("plus long", Sense::Greatest, LENGTH),
    ("plus longue", Sense::Greatest, LENGTH),
    ("plus court", Sense::Least, LENGTH),
    ("plus courte", Sense::Least, LENGTH),
    ("most populous", Sense::Greatest, &["population"]),
    ("plus peuple", Sense::Greatest, &["population"]),
    ("plus peuplee", Sense::Greatest, &["population"]),
];

pub(super) const PRICE: &[&str] = &["price"];
const HEIGHT: &[&str] = &["height", "altitude"];
const WEIGHT: &[&str] = &["weight"];
const LENGTH: &[&str] = &["length", "duration"];

/// Adjectives of a day: the first or the last there is.
pub(super) const DAYS: &[(&str, Sense)] = &[
    ("earliest", Sense::Least),
    ("oldest", Sense::Least),
    ("latest", Sense::Greatest),
    ("newest", Sense::Greatest),
    ("most recent", Sense::Greatest),
    ("plus recent", Sense::Greatest),
    ("plus recente", Sense::Greatest),
    ("plus ancien", Sense::Least),
    ("plus ancienne", Sense::Least),
];

/// Words that columns are called by in both languages, between bars; the first stands for all.
pub(super) const SYNONYMS: &[&str] = &[
    "price|prix|tarif|cost|cout|fee|fare|priced",
    "phone|telephone|tel",
    "email|mail|courriel|emails",
    "city|town|ville|cities",
    "country|pays|countries",
    "name|nom|names",
    "date|jour",
    "year|annee|years|an|ans",
    "month|mois",
    "quantity|quantite|qty|quantities",
    "amount|montant",
    "employee|employe|salarie",
    "population|inhabitant|habitant|inhabitants",
    "area|surface|superficie",
    "team|equipe",
    "product|produit",
    "salary|salaire|wage",
    "department|departement",
    "weight|poids",
    "height|hauteur",
    "altitude|elevation",
    "width|largeur",
    "length|longueur",
    "duration|duree",
    "room|salle",
    "address|adresse",
    "company|entreprise|societe|companies",
    "customer|client",
    "region|regions",
    "sales|ventes|sale|sell|sells|sold|vend|vendu|vendus|vendue|vendues",
    "revenue|revenu|revenues|income",
    "profit|benefice",
    "category|categorie",
    "size|taille",
    "color|colour|couleur",
    "language|langue",
    "author|auteur",
    "title|titre",
    "score|note",
    "rate|taux",
    "capital|capitale",
    "speed|vitesse",
    "stock|stocks",
    "budget|budgets",
    "percentage|pourcentage|percent",
    "quarter|trimestre",
    "age|ages",
    "january|janvier",
    "february|fevrier",
    "march|mars",
    "april|avril",
    "may|mai",
    "june|juin",
    "july|juillet",
    "august|aout",
    "september|septembre",
    "october|octobre",
    "november|novembre",
    "december|decembre",
];

/// Parts of a year, between bars, and the months by which tables call them.
pub(super) const PERIODS: &[(&str, [&str; 2])] = &[
    ("first half|first half of|half year|premier semestre|1er semestre", ["january", "june"]),
    ("second half|second half of|second semestre|2e semestre", ["july", "december"]),
    ("first quarter|premier trimestre|1er trimestre", ["january", "march"]),
    ("second quarter|deuxieme trimestre|2e trimestre", ["april", "june"]),
    ("third quarter|troisieme trimestre|3e trimestre", ["july", "september"]),
    ("fourth quarter|quatrieme trimestre|4e trimestre", ["october", "december"]),
];

/// What is said in several words and stands for one.
pub(super) const MERGED: &[(&str, &str)] = &[
    ("e mail address", "email"),
    ("email address", "email"),
    ("adresse e mail", "email"),
    ("adresse email", "email"),
    ("adresse electronique", "email"),
    ("adresse mail", "email"),
    ("e mail", "email"),
    ("phone number", "phone"),
    ("telephone number", "phone"),
    ("numero de telephone", "phone"),
];

/// Where a name goes on with the scale or unit of its figures.
pub(super) const SCALES: &[&str] = &[
    " in million",
    " in billion",
    " in thousand",
    " in %",
    " in $",
    " in \u{20ac}",
    " in EUR",
    " in USD",
    " in kg",
    " in km",
    " in m ",
    " en million",
    " en milliard",
    " en millier",
    " en %",
    " en \u{20ac}",
    " en euro",
    " en kg",
    " en km",
    " per cent",
];

/// Beginnings of questions that want a yes or a no.
pub(super) const YES_OR_NO: &[&str] = &[
    "is",
    "are",
    "was",
    "were",
    "do",
    "does",
    "did",
    "has",
    "have",
    "est",
    "sont",
    "est ce que",
    "est ce qu",
    "a t il",
    "a t elle",
    "ont ils",
    "y a t il",
];

/// Number words, from one.
pub(super) const NUMBERS: &[&[&str]] = &[
    &["one", "un", "une"],
    &["two", "deux"],
    &["three", "trois"],
    &["four", "quatre"],
    &["five", "cinq"],
    &["six"],
    &["seven", "sept"],
    &["eight", "huit"],
    &["nine", "neuf"],
    &["ten", "dix"],
];
