use crate::reflect::read_all;
use crate::{begin, finish, respond, write, Call};
use wasi::http::types::{Fields, IncomingBody, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// Returns the request's body while it arrives.
pub fn echo(call: Call) {
    let incoming = call.request.consume().unwrap();
    let input = incoming.stream().unwrap();
    let response = begin(call.out, 200, Fields::new());
    while response.1.blocking_splice(&input, 65_536).is_ok() {}
    finish(response);
}

/// Sends the whole response before it reads the request's body.
pub fn early(call: Call) {
    respond(call.out, 200, "early\n");
    let body = call.request.consume().unwrap();
    read_all(&body);
}

/// Does not read the request's body.
pub fn unread(call: Call) {
    let code = call.text("code").parse().unwrap_or(200);
    respond(call.out, code, "unread\n");
}

/// Reads the request's body and responds with its length.
pub fn sink(call: Call) {
    let body = call.request.consume().unwrap();
    let (length, sum, end) = read_all(&body);
    respond(call.out, 200, &format!("{length} {sum} {end}\n"));
}

/// Sends `bytes` bytes in writes of `chunk`, each as large as the stream permits.
pub fn source(call: Call) {
    let (bytes, chunk) = (call.number("bytes"), call.number("chunk").max(1));
    let response = begin(call.out, 200, Fields::new());
    let mut sent = 0;
    let ready = response.1.subscribe();
    while sent < bytes {
        ready.block();
        let Ok(room) = response.1.check_write() else {
            return;
        };
        let count = room.min(chunk).min(bytes - sent);
        let piece: Vec<u8> = (sent..sent + count).map(|at| (at % 251) as u8).collect();
        response.1.write(&piece).unwrap();
        sent += count;
    }
    drop(ready);
    response.1.blocking_flush().unwrap();
    finish(response);
}

/// Sends a server-sent event, then one more for every byte of the request's body.
pub fn events(call: Call) {
    let incoming = call.request.consume().unwrap();
    let input = incoming.stream().unwrap();
    let headers = Fields::new();
    headers
        .set("content-type", &[b"text/event-stream".to_vec()])
        .unwrap();
    let response = begin(call.out, 200, headers);
    let mut number = 0;
    loop {
        write(&response.1, format!("data: {number}\n\n").as_bytes());
        number += 1;
        if input.blocking_read(1).is_err() {
            break;
        }
    }
    finish(response);
}

/// Declares `declared` bytes and writes `written`.
pub fn length(call: Call) {
    let headers = Fields::new();
    headers
        .set(
            "content-length",
            &[call.text("declared").as_bytes().to_vec()],
        )
        .unwrap();
    let bytes = vec![b'x'; call.number("written") as usize];
    let (body, output) = begin(call.out, 200, headers);
    for chunk in bytes.chunks(4096) {
        if output.blocking_write_and_flush(chunk).is_err() {
            break;
        }
    }
    drop(output);
    let _ = OutgoingBody::finish(body, None);
}

/// Responds with status `code`, with the text `body`; without a body if there is none.
pub fn status(call: Call) {
    let response = OutgoingResponse::new(Fields::new());
    let code = call.number("code") as u16;
    if response.set_status_code(code).is_err() {
        let text = format!("refused, still {}\n", response.status_code());
        return respond(call.out, 200, &text);
    }
    let text = call.text("body").to_string();
    if text.is_empty() {
        return ResponseOutparam::set(call.out, Ok(response));
    }
    let body = response.body().unwrap();
    ResponseOutparam::set(call.out, Ok(response));
    let output = body.write().unwrap();
    let _ = output.blocking_write_and_flush(text.as_bytes());
    drop(output);
    let _ = OutgoingBody::finish(body, None);
}

/// Responds with trailers, and with those of the request in its body.
pub fn trailers(call: Call) {
    let incoming = call.request.consume().unwrap();
    read_all(&incoming);
    let future = IncomingBody::finish(incoming);
    future.subscribe().block();
    let found = future.get().unwrap().unwrap();
    let headers = Fields::new();
    headers.set("trailer", &[b"x-sum".to_vec()]).unwrap();
    let (body, output) = begin(call.out, 200, headers);
    let text = match found {
        Ok(Some(fields)) => crate::reflect::list("trailer", &fields),
        other => format!("{:?}\n", other.map(|_| ())),
    };
    write(&output, text.as_bytes());
    drop(output);
    let trailers = Fields::new();
    trailers.set("x-sum", &[b"7".to_vec()]).unwrap();
    OutgoingBody::finish(body, Some(trailers)).unwrap();
}
