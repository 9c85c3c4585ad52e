//! The `rag` program: standard streams, Ctrl-C and the exit code; all else is in the library.

use std::io;
use std::process::{self, ExitCode};

use rag_cli::{Interrupt, Press};

/// What shells report for a program ended by Ctrl-C.
const EXIT_INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let_writing_fail();
    let interrupt = Interrupt::new();
    let handler = interrupt.clone();
    // Without a handler Ctrl-C ends the program at once, which loses no committed document.
    let _ = ctrlc::set_handler(move || {
        if handler.press() == Press::Idle {
            process::exit(EXIT_INTERRUPTED);
        }
    });
    let mut out = io::stdout().lock();
    ExitCode::from(rag_cli::run_with(std::env::args_os(), &mut out, &mut io::stderr(), &interrupt))
}

/// A write beyond the largest file that is allowed (`ulimit -f`) fails like one to a full disk: the
/// error is told and what was there stays. By default its signal ends the program. Rust's runtime
/// does the same for closed pipes.
#[cfg(unix)]
#[expect(unsafe_code, reason = "signals are set by a system call")]
fn let_writing_fail() {
    // SAFETY: called first in `main`, before any thread exists; ignoring a signal runs no code of
    // ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[cfg(not(unix))]
fn let_writing_fail() {}
