//! Uses a key-value store, variables and the log as its first argument says, and prints the
//! outcome.

wit_bindgen::generate!({ world: "store", path: "wit", generate_all });

use fermyon::spin::{key_value, variables};
use wasi::config::store as config;
use wasi::keyvalue::{atomics, batch, store};
use wasi::logging::logging::{log, Level};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let arg = |index: usize| args.get(index).cloned().unwrap_or_default();
    match arg(1).as_str() {
        "keyvalue" => key_value_store(&arg(2)),
        "spin" => spin_store(&arg(2)),
        "open" => println!(
            "{:?} {:?}",
            store::open(&arg(2)).err(),
            key_value::Store::open(&arg(2)).err()
        ),
        "count" => {
            let bucket = store::open("default").unwrap();
            println!(
                "{:?}",
                atomics::increment(&bucket, "count", arg(2).parse().unwrap())
            );
        }
        "swap" => swap(&arg(2)),
        "add" => add(arg(2).parse().unwrap()),
        "config" => println!(
            "{:?} {:?} {:?}",
            config::get(&arg(2)),
            config::get_all(),
            variables::get(&arg(2))
        ),
        "log" => log(Level::Warn, &arg(2), &arg(3)),
        other => println!("unknown: {other}"),
    }
}

fn key_value_store(key: &str) {
    let bucket = store::open("").unwrap();
    println!("{:?}", bucket.get(key));
    println!("{:?} {:?}", bucket.set(key, &[0, 255]), bucket.exists(key));
    println!("{:?}", bucket.get(key));
    let pairs = [("a".to_string(), vec![1]), ("b".to_string(), vec![])];
    println!("{:?}", batch::set_many(&bucket, &pairs));
    let names = ["a", "missing", "b"].map(String::from);
    println!("{:?}", batch::get_many(&bucket, &names));
    let mut keys = bucket.list_keys(None).unwrap().keys;
    keys.sort();
    println!("{keys:?}");
    println!(
        "{:?} {:?}",
        batch::delete_many(&bucket, &names),
        bucket.delete(key)
    );
    println!(
        "{:?} {:?}",
        bucket.exists(key),
        bucket.list_keys(None).unwrap().keys
    );
}

fn spin_store(key: &str) {
    let store = key_value::Store::open("default").unwrap();
    println!("{:?} {:?}", store.get(key), store.exists(key));
    println!("{:?} {:?}", store.set(key, "é".as_bytes()), store.get(key));
    println!("{:?}", store.get_keys());
    println!("{:?} {:?}", store.delete(key), store.exists(key));
}

/// Swaps a missing key, then with a comparison that is too old, and again with the new one.
fn swap(key: &str) {
    let bucket = store::open("").unwrap();
    let first = atomics::Cas::new(&bucket, key).unwrap();
    let old = atomics::Cas::new(&bucket, key).unwrap();
    println!("{:?}", first.current());
    println!("{:?}", atomics::swap(first, &[1]));
    let Err(atomics::CasError::CasFailed(new)) = atomics::swap(old, &[2]) else {
        return println!("an old comparison succeeded");
    };
    println!("{:?} {:?}", new.current(), bucket.get(key));
    println!("{:?} {:?}", atomics::swap(new, &[3, 4]), bucket.get(key));
    let long = atomics::Cas::new(&bucket, &"k".repeat(100_000)).unwrap();
    let refused = atomics::swap(long, &[1]);
    println!(
        "{}",
        matches!(refused, Err(atomics::CasError::StoreError(_)))
    );
}

/// Adds 1 to a number as often as asked, by compare-and-swap.
fn add(times: u32) {
    let bucket = store::open("").unwrap();
    for _ in 0..times {
        let mut cas = atomics::Cas::new(&bucket, "sum").unwrap();
        loop {
            let sum = match cas.current().unwrap() {
                Some(bytes) => u32::from_le_bytes(bytes.try_into().unwrap()),
                None => 0,
            };
            match atomics::swap(cas, &(sum + 1).to_le_bytes()) {
                Ok(()) => break,
                Err(atomics::CasError::CasFailed(new)) => cas = new,
                Err(error) => return println!("{error:?}"),
            }
        }
    }
    let sum = bucket.get("sum").unwrap().unwrap();
    println!("{}", u32::from_le_bytes(sum.try_into().unwrap()));
}
