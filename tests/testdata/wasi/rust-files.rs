// Uses files in /data through Rust's standard library, and checks the kinds of its errors.
// Exits with code 101 (a panic) if a check fails.
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("it was no error"),
        Err(error) => error.kind(),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("{:?} {:?}", args, std::env::var("NAME"));

    fs::create_dir_all("/data/a/b/é").unwrap();
    assert_eq!(kind(fs::create_dir("/data/a")), ErrorKind::AlreadyExists);
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open("/data/a/👋.txt").unwrap();
    write!(file, "hello {}", 42).unwrap();
    file.seek(SeekFrom::Start(6)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "42");
    file.set_len(5).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 5);
    file.sync_all().unwrap();
    drop(file);
    assert_eq!(kind(OpenOptions::new().write(true).create_new(true).open("/data/a/👋.txt")), ErrorKind::AlreadyExists);
    assert_eq!(kind(File::open("/data/nothing")), ErrorKind::NotFound);
    assert!(File::open("/elsewhere/x").is_err());
    assert!(File::open("/data/../outside").is_err());
    assert!(fs::read("/data/a").is_err());

    fs::rename("/data/a/👋.txt", "/data/moved").unwrap();
    fs::copy("/data/moved", "/data/copied").unwrap();
    OpenOptions::new().append(true).open("/data/copied").unwrap().write_all(b"!").unwrap();
    assert_eq!(fs::read_to_string("/data/copied").unwrap(), "hello!");
    fs::hard_link("/data/moved", "/data/second").unwrap();
    assert!(fs::remove_dir("/data/a").is_err(), "it is not empty");
    assert!(fs::remove_file("/data/a").is_err(), "it is a folder");
    let mut names: Vec<String> = fs::read_dir("/data").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    println!("{:?}", names);
    fs::remove_dir_all("/data/a").unwrap();
    assert_eq!(kind(fs::metadata("/data/a")), ErrorKind::NotFound);

    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(5));
    assert!(before.elapsed() >= Duration::from_millis(5));
    std::process::exit(3);
}
