use crate::{begin, write, Call};
use wasi::http::types::{ErrorCode, Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// Fails as `how` says.
pub fn fail(call: Call) {
    let bytes = vec![b'y'; call.number("bytes") as usize];
    match call.text("how") {
        "trap" => panic!("as asked"),
        "trap-set" => {
            ResponseOutparam::set(call.out, Ok(OutgoingResponse::new(Fields::new())));
            panic!("after the response");
        }
        "trap-body" => {
            let response = begin(call.out, 200, Fields::new());
            write(&response.1, &bytes);
            panic!("in the body");
        }
        "error" => ResponseOutparam::set(call.out, Err(ErrorCode::ConfigurationError)),
        "internal" => {
            ResponseOutparam::set(call.out, Err(ErrorCode::InternalError(Some("é".into()))))
        }
        "never" => drop(call),
        "no-finish" => {
            let (body, output) = begin(call.out, 200, Fields::new());
            write(&output, &bytes);
            drop(output);
            drop(body);
        }
        "leak" => {
            let (body, output) = begin(call.out, 200, Fields::new());
            write(&output, &bytes);
            std::mem::forget((body, output));
        }
        "stream-alive" => {
            let (body, output) = begin(call.out, 200, Fields::new());
            write(&output, &bytes);
            let _ = OutgoingBody::finish(body, None);
            drop(output);
        }
        "headers-alive" => {
            let headers = call.request.headers();
            drop(call.request);
            let count = headers.entries().len();
            crate::respond(call.out, 200, &format!("alive {}\n", count > 0));
        }
        "body-unfinished-request" => {
            let incoming = call.request.consume().unwrap();
            let input = incoming.stream().unwrap();
            drop(incoming);
            drop(input);
            crate::respond(call.out, 200, "dropped\n");
        }
        "trailers-alive" => {
            let incoming = call.request.consume().unwrap();
            let input = incoming.stream().unwrap();
            let _ = wasi::http::types::IncomingBody::finish(incoming);
            drop(input);
            crate::respond(call.out, 200, "finished\n");
        }
        "loop" => loop {
            std::hint::black_box(0);
        },
        other => panic!("no failure {other}"),
    }
}
