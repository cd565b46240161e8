use std::io::{Read, Write};

/// Runs the command that the first argument names, and prints its result.
fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("args") => println!("{:?}", &args[2..]),
        Some("env") => println!("{:?}", std::env::var(&args[2]).ok()),
        Some("cat") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).unwrap();
            print!("{text}");
        }
        Some("list") => {
            let mut names: Vec<_> = std::fs::read_dir(&args[2])
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            println!("{names:?}");
        }
        Some("read") => match std::fs::read_to_string(&args[2]) {
            Ok(text) => print!("{text}"),
            Err(error) => println!("{error}"),
        },
        Some("write") => match std::fs::write(&args[2], &args[3]) {
            Ok(()) => println!("written"),
            Err(error) => println!("{error}"),
        },
        Some("sleep") => std::thread::sleep(std::time::Duration::from_secs(3600)),
        Some("loop") => loop {
            std::hint::black_box(0);
        },
        Some("panic") => panic!("as asked"),
        Some("fail") => std::process::exit(1),
        Some("error") => std::io::stderr().write_all(b"an error\n").unwrap(),
        other => println!("unknown: {other:?}"),
    }
}
