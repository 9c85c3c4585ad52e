//! Thousands of mutations of a small GGUF file and a small `transformers` folder, loaded and run in
//! a child process that may not take more memory than a small multiple of the files. A child is
//! this test binary, told so by the environment.

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rag_core::Call;
use rag_core::generate::{GenerateOptions, Generator, GeneratorOptions};
use rag_core::model::{Message, Role};

use crate::{MEMORY, data};

const CHILD: &str = "RAG_HOSTILE_CHILD";
/// Mutations of each carrier.
const COUNT: usize = 2000;
/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes that a case may take beyond what it found: regular expressions, pages of the cache, and
/// this many times the files.
const ROOM_BYTES: usize = 1 << 20;
const TIMES_THE_FILES: usize = 2;
/// candle makes tables of rotations for the longest context and widest head that we let through.
const CANDLE_ROOM_BYTES: usize = 256 << 20;

/// Files of a model by name; the bytes before the tensors are where most mutations go.
struct Files(Vec<(String, Vec<u8>)>);

impl Files {
    fn read(carrier: &str) -> Self {
        let path = match carrier {
            "gguf" => data("tiny.gguf"),
            "candle" => data("candle/mixtral"),
            _ => data("families/llama"),
        };
        let paths: Vec<PathBuf> = if path.is_dir() {
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect()
        } else {
            vec![path]
        };
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = paths.iter().filter(|path| !path.ends_with("expected.json"));
        let mut files: Vec<_> = files.map(|path| (name(path), fs::read(path).unwrap())).collect();
        files.sort();
        Self(files)
    }

    fn size_bytes(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    fn mutate(&mut self, random: &mut Random) {
        // weights as often as all others together
        let others = self.0.len();
        let weights = self.0.iter().position(|(name, _)| is_weights(name)).unwrap();
        let at = if random.below(2) == 0 { weights } else { random.below(others) };
        let (name, bytes) = &mut self.0[at];
        for _ in 0..=random.below(3) {
            match is_weights(name) {
                true => mutate_binary(bytes, random),
                false if random.below(3) > 0 => mutate_text(bytes, random),
                false => mutate_binary(bytes, random),
            }
        }
    }

    fn write(&self, folder: &Path) {
        for (name, bytes) in &self.0 {
            let path = folder.join(name);
            // ext4 waits for the disk when a file is overwritten, not when it is new
            let _ = fs::remove_file(&path);
            fs::write(path, bytes).unwrap();
        }
    }
}

fn is_weights(name: &str) -> bool {
    name.ends_with(".gguf") || name.ends_with(".safetensors")
}

/// Seeded pseudo-random numbers (SplitMix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }
}

fn mutate_binary(bytes: &mut Vec<u8>, random: &mut Random) {
    // three in four inside the header, which is the first eighth at most
    let reach = if random.below(4) > 0 { bytes.len() / 8 } else { bytes.len() };
    let at = random.below(reach);
    let span = 1 + random.below(64);
    let end = (at + span).min(bytes.len());
    match random.below(8) {
        0 => (0..=random.below(4)).for_each(|_| {
            let at = random.below(reach);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }),
        1 => bytes.truncate(at),
        2 | 3 => set_length::<8>(bytes, at, random),
        4 => set_length::<4>(bytes, at, random),
        5 => bytes[at..end].fill(*random.pick(&[0, 0xff, b'0', b'{'])),
        6 => drop(bytes.drain(at..end)),
        _ => {
            let copy = bytes[at..end].to_vec();
            let to = random.below(reach);
            bytes.splice(to..to, copy);
        }
    }
}

/// Overwrites what looks like a length, the next small little-endian integer after `at`.
fn set_length<const WIDTH: usize>(bytes: &mut [u8], at: usize, random: &mut Random) {
    let len = bytes.len() as u64;
    let values = [0, 1, u64::MAX, i64::MAX as u64, 1 << 31, 1 << 32, 1 << 40, len, 2 * len];
    let value = match random.below(3) {
        0 => random.next() >> random.below(64),
        _ => *random.pick(&values),
    };
    let small = |window: &[u8]| window[0] != 0 && window[WIDTH / 2..].iter().all(|byte| *byte == 0);
    let rest = bytes.get(at..).unwrap_or_default();
    if let Some(found) = rest.windows(WIDTH).position(small) {
        bytes[at + found..][..WIDTH].copy_from_slice(&value.to_le_bytes()[..WIDTH]);
    }
}

/// Puts something else in place of a number or a text in JSON.
fn mutate_text(bytes: &mut Vec<u8>, random: &mut Random) {
    let values = [
        "-1",
        "0",
        "1",
        "1e400",
        "-0.0",
        "1e-320",
        "18446744073709551615",
        "99999999999999999999",
        "4294967296",
        "1048577",
        "null",
        "[]",
        "{}",
        "true",
        "\"x\"",
        "\"\"",
        "[[",
        "0.5",
        "65536",
        "[1e300,1e300]",
    ]; // fmt: skip
    let start = random.below(bytes.len());
    let is_value = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.\"_+".contains(byte);
    let Some(at) = bytes[start..].iter().position(|byte| is_value(byte) && *byte != b'"') else {
        return;
    };
    let at = start + at;
    let from = bytes[..at].iter().rposition(|byte| !is_value(byte)).map_or(0, |before| before + 1);
    let to = bytes[at..].iter().position(|byte| !is_value(byte)).map_or(bytes.len(), |n| at + n);
    let deep = "[".repeat(100_000);
    let value = if random.below(40) == 0 { deep.as_str() } else { random.pick(&values) };
    bytes.splice(from..to, value.bytes());
}

/// Loads and runs the model; whether it could be loaded.
fn run(path: &Path) -> bool {
    let options = GeneratorOptions {
        threads: rag_core::kernels::Threads::of(1),
        ..GeneratorOptions::default()
    };
    let Ok(generator) = Generator::load_with(path, &options) else { return false };
    let user = Message { role: Role::User, content: "the bridge <|end|> 1902".to_owned() };
    let prompt = generator.chat().render(&[user]).map(|rendered| rendered.token_ids);
    let few = GenerateOptions { max_new_tokens: 4, ..GenerateOptions::default() };
    for prompt in [prompt.unwrap_or_default(), vec![1, 2, 3]] {
        let _ = generator.generate_with(&prompt, &few, Call::new());
    }
    true
}

/// Does nothing unless started by another test here.
#[test]
fn child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let [carrier, from, to, folder] = order.split('|').collect::<Vec<_>>()[..] else { panic!() };
    let mut ledger = fs::OpenOptions::new().append(true).open(ledger(Path::new(folder))).unwrap();
    let scratch = Path::new(folder).join("model");
    // the first load compiles what stays
    Files::read(carrier).write(&scratch);
    assert!(run(&scratch), "the sound model loads");
    std::panic::set_hook(Box::new(|_| {}));
    for case in from.parse::<usize>().unwrap()..to.parse().unwrap() {
        writeln!(ledger, "{case}").unwrap();
        let mut files = Files::read(carrier);
        files.mutate(&mut Random(case as u64));
        files.write(&scratch);
        let room = if carrier == "candle" { CANDLE_ROOM_BYTES } else { ROOM_BYTES };
        let room = room + TIMES_THE_FILES * files.size_bytes();
        MEMORY.set_limit(MEMORY.allocated() + room).unwrap();
        let found = catch_unwind(AssertUnwindSafe(|| run(&scratch)));
        MEMORY.set_limit(usize::MAX).unwrap();
        let word = found.map_or("panicked", |loaded| if loaded { "ran" } else { "refused" });
        writeln!(ledger, "{word}").unwrap();
    }
}

fn ledger(folder: &Path) -> PathBuf {
    folder.join("ledger")
}

fn spawn(carrier: &str, from: usize, to: usize, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "mutations::child", "--nocapture"])
        .env(CHILD, format!("{carrier}|{from}|{to}|{}", folder.display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether the child ended well; one that makes no progress is killed.
fn wait(mut child: Child, ledger: &Path) -> Option<bool> {
    let (mut len, mut since) = (0, Instant::now());
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.success());
        }
        let now = fs::metadata(ledger).unwrap().len();
        if now != len {
            (len, since) = (now, Instant::now());
        } else if since.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn survive(carrier: &str) {
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir(scratch.path().join("model")).unwrap();
    let ledger = ledger(scratch.path());
    fs::write(&ledger, "").unwrap();
    let (mut crashed, mut hung, mut from) = (Vec::new(), Vec::new(), 0);
    while from < COUNT {
        let ended = wait(spawn(carrier, from, COUNT, scratch.path()), &ledger);
        let lines = fs::read_to_string(&ledger).unwrap();
        let last = lines.lines().rev().find_map(|line| line.parse::<usize>().ok());
        match ended {
            Some(true) => break,
            Some(false) => crashed.push(last),
            None => hung.push(last),
        }
        from = last.expect("the child began its work") + 1;
        assert!(crashed.len() + hung.len() < 20, "crashed {crashed:?}, hung {hung:?}");
    }
    let lines = fs::read_to_string(&ledger).unwrap();
    let panicked: Vec<&str> = lines
        .lines()
        .zip(lines.lines().skip(1))
        .filter_map(|(case, word)| (word == "panicked").then_some(case))
        .collect();
    let times = |word: &str| lines.lines().filter(|line| *line == word).count();
    let (refused, ran) = (times("refused"), times("ran"));
    eprintln!(
        "{carrier}: {COUNT} mutations, {refused} refused, {ran} ran, {} crashes, {} hangs",
        crashed.len(),
        hung.len()
    );
    assert!(
        crashed.is_empty() && hung.is_empty() && panicked.is_empty(),
        "crashed {crashed:?}, hung {hung:?}, panicked {panicked:?}"
    );
    assert_eq!(refused + ran, COUNT);
    assert!(
        refused > COUNT / 10 && ran > COUNT / 10,
        "mutations are neither too mild nor too wild"
    );
}

#[test]
fn no_mutation_of_a_gguf_file_crashes_hangs_or_takes_memory() {
    survive("gguf");
}

#[test]
fn no_mutation_of_a_folder_for_candle_crashes_hangs_or_takes_memory() {
    survive("candle");
}

#[test]
fn no_mutation_of_a_transformers_folder_crashes_hangs_or_takes_memory() {
    survive("folder");
}
