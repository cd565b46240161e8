use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Adapted;

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Does what the path says with the standard library, which uses preview1.
fn result_of(path: &str) -> String {
    match path {
        "/env" => format!("{:?} {:?}", std::env::var("GIVEN"), std::env::var("MISSING")),
        "/variables" => format!("{}", std::env::vars().count()),
        "/args" => format!("{:?}", std::env::args().collect::<Vec<_>>()),
        "/map" => {
            let map: HashMap<_, _> = (0..100).map(|key| (key, key * 2)).collect();
            format!("{:?} {:?}", map.get(&7), map.get(&100))
        }
        // The order of a map depends on its random seed.
        "/seed" => format!("{:?}", (0..100).map(|key| (key, ())).collect::<HashMap<_, _>>().keys()),
        "/clocks" => {
            let start = Instant::now();
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let year = since > Duration::from_secs(1_700_000_000);
            format!("{year} {}", start.elapsed() < Duration::from_secs(3600))
        }
        "/print" => {
            println!("to 👋 output");
            eprintln!("to {} error", "standard");
            "printed".into()
        }
        "/lines" => {
            for line in 0..200 {
                println!("line {line}");
            }
            "many".into()
        }
        "/count" => format!("{}", CALLS.fetch_add(1, Ordering::Relaxed)),
        "/panic" => panic!("as asked"),
        "/exit" => std::process::exit(3),
        "/loop" => loop {
            std::hint::black_box(Instant::now());
        },
        _ => "unknown".into(),
    }
}

impl wasi::exports::http::incoming_handler::Guest for Adapted {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let text = result_of(&request.path_with_query().unwrap_or_default());
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let output = body.write().unwrap();
        for part in text.as_bytes().chunks(4096) {
            output.blocking_write_and_flush(part).unwrap();
        }
        drop(output);
        OutgoingBody::finish(body, None).unwrap();
    }
}

wasi::http::proxy::export!(Adapted);
