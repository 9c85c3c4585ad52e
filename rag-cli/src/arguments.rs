//! Arguments that begin with a hyphen and are no options: "-40 degrees", "- what is it?", "-0.5".
//!
//! Whether a text is an option is told by its look: options begin with a letter behind their
//! hyphens and hold no blank. A text behind an option that takes a value is that value; a text
//! where a question is expected is the question. What looks like an option and is none stays a
//! mistake, with clap's advice.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

/// Commands whose last argument is a question.
const ASKING: [&str; 4] = ["search", "ask", "summarize", "compose"];

/// `args` so that `command` takes texts for texts: values are joined to their options, a question
/// goes behind `--`.
pub(crate) fn settle(args: Vec<OsString>, command: &Command) -> Vec<OsString> {
    let is_verb = |arg: &OsString| !arg.to_string_lossy().starts_with('-');
    let Some(verb) = args.iter().skip(1).position(is_verb).map(|place| place + 1) else {
        return args;
    };
    let Some(subcommand) = command.find_subcommand(args.get(verb).unwrap_or(&OsString::new()))
    else {
        return args;
    };
    let asks = ASKING.contains(&subcommand.get_name());
    let (mut settled, mut questions) = (Vec::with_capacity(args.len()), Vec::new());
    let mut rest = args.into_iter().enumerate();
    while let Some((place, arg)) = rest.next() {
        if arg == "--" {
            settled.append(&mut questions);
            settled.push(arg);
            settled.extend(rest.map(|(_, arg)| arg));
            return settled;
        }
        if place <= verb || !is_text(&arg) {
            settled.push(arg);
            continue;
        }
        match settled.last().and_then(|last: &OsString| wants_value(last, command, subcommand)) {
            Some(Wants::Long) => {
                // "--system" "-be brief" as "--system=-be brief"
                let mut joined = settled.pop().unwrap_or_default();
                joined.push("=");
                joined.push(arg);
                settled.push(joined);
            }
            Some(Wants::Short) => settled.push(arg),
            None if asks => questions.push(arg),
            None => settled.push(arg),
        }
    }
    if !questions.is_empty() {
        settled.push("--".into());
        settled.append(&mut questions);
    }
    settled
}

/// Whether an argument that begins with a hyphen is a text.
fn is_text(arg: &OsStr) -> bool {
    let Some(arg) = arg.to_str() else { return false };
    let Some(behind) = arg.strip_prefix('-') else { return false };
    let name = behind.strip_prefix('-').unwrap_or(behind);
    let is_named = name.starts_with(|c: char| c.is_ascii_alphabetic());
    // "--filter=kind = pdf" holds blanks in its value alone
    let option = if arg.starts_with("--") { name.split('=').next().unwrap_or(name) } else { name };
    !behind.is_empty() && (!is_named || option.contains(char::is_whitespace))
}

/// How an option is written that takes the argument behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Long,
    Short,
}

fn wants_value(option: &OsStr, command: &Command, subcommand: &Command) -> Option<Wants> {
    let option = option.to_str()?;
    let mut known = command.get_arguments().chain(subcommand.get_arguments());
    let takes = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    if let Some(name) = option.strip_prefix("--") {
        return known.any(|arg| arg.get_long() == Some(name) && takes(arg)).then_some(Wants::Long);
    }
    let mut letters = option.strip_prefix('-')?.chars();
    let letter = letters.next_back()?;
    known.any(|arg| arg.get_short() == Some(letter) && takes(arg)).then_some(Wants::Short)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn settled(line: &[&str]) -> Vec<String> {
        let args = ["rag"].iter().chain(line).map(OsString::from).collect();
        let settled = settle(args, &crate::Cli::command());
        settled.into_iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_question_may_begin_with_a_hyphen() {
        for question in
            ["-40 degrees", "-40", "- what?", "--- or", "-kelvin or celsius?", "-5\u{b0}C"]
        {
            for verb in ["search", "ask", "summarize", "compose"] {
                let moved = settled(&[verb, "kb", question, "-k", "3"]);
                assert_eq!(moved, [verb, "kb", "-k", "3", "--", question], "{question}");
            }
            let last = settled(&["--json", "ask", "kb", question]);
            assert_eq!(last, ["--json", "ask", "kb", "--", question]);
        }
    }

    #[test]
    fn a_mistyped_option_stays_one() {
        for option in ["--topk", "-x", "--top_k=3", "--json"] {
            let same = ["search", "kb", "what?", option];
            assert_eq!(settled(&same), same);
        }
        let same = ["search", "kb", "what?", "--filter=kind = pdf", "-k", "3"];
        assert_eq!(settled(&same), same);
        assert_eq!(settled(&["model", "fetch", "-4"]), ["model", "fetch", "-4"]);
    }

    #[test]
    fn values_stay_with_their_options() {
        let given =
            ["ask", "kb", "what?", "--abstain", "-0.5", "--system", "-be brief", "-k", "-1"];
        let joined = ["ask", "kb", "what?", "--abstain=-0.5", "--system=-be brief", "-k", "-1"];
        assert_eq!(settled(&given), joined);
        let given = ["generate", "--prompt", "-40 degrees are"];
        assert_eq!(settled(&given), ["generate", "--prompt=-40 degrees are"]);
        let explained = settled(&["ask", "kb", "--explain", "-40 degrees"]);
        assert_eq!(explained, ["ask", "kb", "--explain", "--", "-40 degrees"]);
    }

    #[test]
    fn what_stands_behind_two_hyphens_stays_there() {
        let same = ["search", "kb", "-k", "3", "--", "-40 degrees"];
        assert_eq!(settled(&same), same);
    }
}
