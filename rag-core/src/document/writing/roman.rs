//! Roman numerals, for the numbers of lists.

/// `number` in small letters; from 5,000 on it begins anew, and 0 is empty.
pub(in crate::document) fn roman(number: u32) -> String {
    let steps = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let mut left = number % 5000;
    let mut numeral = String::new();
    for (value, sign) in steps {
        while left >= value {
            numeral.push_str(sign);
            left -= value;
        }
    }
    numeral
}

#[cfg(test)]
mod tests {
    use super::roman;

    #[test]
    fn numerals_are_written_with_subtraction() {
        let shown = [1, 4, 9, 40, 90, 400, 1994, 3999].map(roman);
        assert_eq!(shown, ["i", "iv", "ix", "xl", "xc", "cd", "mcmxciv", "mmmcmxcix"]);
        assert_eq!(roman(0), "");
    }
}
