//! A component for benchmarks. Its response is the result of the work that the body names:
//! `arithmetic N` computes N steps, and `leak N` allocates and writes N bytes that it never frees.

use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Work;

impl wasi::exports::http::incoming_handler::Guest for Work {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let text = read_body(request);
        let (name, count) = text.split_once(' ').unwrap();
        let count: usize = count.parse().unwrap();
        let result = match name {
            "arithmetic" => arithmetic(count),
            "leak" => leak(count),
            _ => panic!("no work is named {name}"),
        };

        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let output = body.write().unwrap();
        output.blocking_write_and_flush(result.as_bytes()).unwrap();
        drop(output);
        OutgoingBody::finish(body, None).unwrap();
    }
}

fn read_body(request: IncomingRequest) -> String {
    let incoming = request.consume().unwrap();
    let input = incoming.stream().unwrap();
    let mut text = Vec::new();
    // `blocking_read` returns the error `closed` after the last byte.
    while let Ok(bytes) = input.blocking_read(4096) {
        text.extend(bytes);
    }
    String::from_utf8(text).unwrap()
}

/// Runs a linear congruential generator for `steps`.
fn arithmetic(steps: usize) -> String {
    let mut state: u64 = 1;
    for _ in 0..steps {
        state = std::hint::black_box(state)
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
    }
    format!("{state:x}")
}

/// Returns the number of bytes that are not zero.
fn leak(length: usize) -> String {
    let bytes = vec![1u8; length].leak();
    bytes.iter().filter(|&&byte| byte != 0).count().to_string()
}

wasi::http::proxy::export!(Work);
