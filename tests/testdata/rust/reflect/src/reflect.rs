use crate::{respond, Call};
use std::fmt::Write;
use wasi::http::types::{Fields, IncomingBody};
use wasi::io::streams::StreamError;

/// Responds with all that the guest sees of the request.
pub fn reflect(call: Call) {
    let mut text = String::new();
    let request = call.request;
    writeln!(text, "method {:?}", request.method()).unwrap();
    writeln!(text, "scheme {:?}", request.scheme()).unwrap();
    writeln!(text, "authority {:?}", request.authority()).unwrap();
    writeln!(text, "path {:?}", request.path_with_query()).unwrap();
    text += &list("header", &request.headers());
    let body = request.consume().unwrap();
    writeln!(text, "second consume {:?}", request.consume().is_err()).unwrap();
    let (length, sum, end) = read_all(&body);
    writeln!(text, "body {length} {sum} {end}").unwrap();
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    match trailers.get().unwrap().unwrap() {
        Ok(Some(found)) => text += &list("trailer", &found),
        Ok(None) => text += "no trailers\n",
        Err(error) => writeln!(text, "trailers {error:?}").unwrap(),
    }
    respond(call.out, 200, &text);
}

/// Lists fields in their order; values as Rust byte strings.
pub fn list(kind: &str, fields: &Fields) -> String {
    let entries = fields.entries();
    let lines = entries
        .iter()
        .map(|(name, value)| format!("{kind} {name} \"{}\"\n", value.escape_ascii()));
    lines.collect()
}

/// Reads a body to its end. Returns its length, a sum of its bytes, and how it ended.
pub fn read_all(body: &IncomingBody) -> (u64, u32, String) {
    let input = body.stream().unwrap();
    let (mut length, mut sum) = (0u64, 0u32);
    loop {
        match input.blocking_read(65_536) {
            Ok(bytes) => {
                length += bytes.len() as u64;
                for byte in bytes {
                    sum = sum.rotate_left(5) ^ u32::from(byte);
                }
            }
            Err(StreamError::Closed) => return (length, sum, "closed".into()),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasi::http::types::http_error_code(&error);
                return (length, sum, format!("failed {code:?}"));
            }
        }
    }
}
