//! Exercises `wasi:http`: the first segment of the path chooses what a request does.
mod bodies;
mod failures;
mod fields;
mod outgoing;
mod reflect;

use std::collections::HashMap;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasi::io::streams::OutputStream;

struct Reflect;

/// A request with the parameters of its query, which are not percent-decoded.
pub struct Call {
    pub request: IncomingRequest,
    pub out: ResponseOutparam,
    query: HashMap<String, String>,
}

impl Call {
    pub fn text(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }
}

impl wasi::exports::http::incoming_handler::Guest for Reflect {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let query = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let operation = path.split('/').nth(1).unwrap_or("").to_string();
        let call = Call {
            request,
            out,
            query,
        };
        match operation.as_str() {
            "echo" => bodies::echo(call),
            "early" => bodies::early(call),
            "unread" => bodies::unread(call),
            "sink" => bodies::sink(call),
            "source" => bodies::source(call),
            "events" => bodies::events(call),
            "length" => bodies::length(call),
            "status" => bodies::status(call),
            "trailers" => bodies::trailers(call),
            "fields" => fields::fields(call),
            "immutable" => fields::immutable(call),
            "outgoing" => outgoing::outgoing(call),
            "abandon" => outgoing::abandon(call),
            "hold" => outgoing::hold(call),
            "pending" => outgoing::pending(call),
            "invalid" => outgoing::invalid(call),
            "fail" => failures::fail(call),
            _ => reflect::reflect(call),
        }
    }
}

/// Sets a response and returns its body, not finished, with the stream to write it.
pub fn begin(out: ResponseOutparam, status: u16, headers: Fields) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let output = body.write().unwrap();
    (body, output)
}

pub fn finish((body, output): (OutgoingBody, OutputStream)) {
    drop(output);
    OutgoingBody::finish(body, None).unwrap();
}

/// Writes bytes of any number and waits until they are flushed.
pub fn write(output: &OutputStream, bytes: &[u8]) {
    for chunk in bytes.chunks(4096) {
        output.blocking_write_and_flush(chunk).unwrap();
    }
}

/// Responds with a text.
pub fn respond(out: ResponseOutparam, status: u16, text: &str) {
    let headers = Fields::new();
    headers
        .set("content-type", &[b"text/plain".to_vec()])
        .unwrap();
    let response = begin(out, status, headers);
    write(&response.1, text.as_bytes());
    finish(response);
}

wasi::http::proxy::export!(Reflect);
