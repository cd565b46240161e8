//! Counts the lines, words and bytes of the named files or of standard input, and prints errors.
use std::io::{self, Read, Write};
use std::{env, fs, process};

fn count(name: &str, bytes: &[u8]) -> String {
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let words = String::from_utf8_lossy(bytes).split_whitespace().count();
    format!("{lines} {words} {} {name}", bytes.len())
}

fn main() {
    let mut failed = 0;
    let mut out = io::stdout().lock();
    let mut names: Vec<String> = env::args().skip(1).collect();
    if names.is_empty() {
        names.push("-".to_string());
    }
    for name in names {
        let mut bytes = Vec::new();
        let read = if name == "-" {
            io::stdin().read_to_end(&mut bytes).map(|_| ())
        } else {
            fs::read(&name).map(|content| bytes = content)
        };
        match read {
            Ok(()) => writeln!(out, "{}", count(&name, &bytes)).expect("the output takes a line"),
            Err(error) => {
                eprintln!("{name}: {:?}", error.kind());
                failed += 1;
            }
        }
    }
    process::exit(failed);
}
