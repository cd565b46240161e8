use crate::reflect::{list, read_all};
use crate::{begin, finish, respond, write, Call};
use wasi::http::outgoing_handler::handle;
use wasi::http::types::{
    Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};

fn scheme(text: &str) -> Scheme {
    match text {
        "https" => Scheme::Https,
        "" | "http" => Scheme::Http,
        other => Scheme::Other(other.to_string()),
    }
}

/// Builds the request that the query describes: `to`, `path`, `scheme`, `method`, `connect`, `first`
/// and `between` in milliseconds. Headers `x-send-NAME` are sent as `NAME`.
fn prepare(call: &Call) -> (OutgoingRequest, RequestOptions) {
    let headers = Fields::new();
    for (name, value) in call.request.headers().entries() {
        if let Some(name) = name.strip_prefix("x-send-") {
            headers.append(name, &value).unwrap();
        }
    }
    let request = OutgoingRequest::new(headers);
    request
        .set_scheme(Some(&scheme(call.text("scheme"))))
        .unwrap();
    request.set_authority(Some(call.text("to"))).unwrap();
    request
        .set_path_with_query(Some(call.text("path")))
        .unwrap();
    let method = match call.text("method") {
        "" => call.request.method(),
        other => Method::Other(other.to_string()),
    };
    request.set_method(&method).unwrap();
    let options = RequestOptions::new();
    let time = |name| Some(call.number(name) * 1_000_000).filter(|time| *time > 0);
    options.set_connect_timeout(time("connect")).unwrap();
    options.set_first_byte_timeout(time("first")).unwrap();
    options.set_between_bytes_timeout(time("between")).unwrap();
    (request, options)
}

/// Sends a request with the body of the incoming one and trailers; responds with what came back.
pub fn outgoing(call: Call) {
    let (request, options) = prepare(&call);
    let body = request.body().unwrap();
    let mut text = String::new();
    let future = match handle(request, Some(options)) {
        Ok(future) => future,
        Err(error) => return respond(call.out, 200, &format!("handle {error:?}\n")),
    };
    let output = body.write().unwrap();
    let incoming = call.request.consume().unwrap();
    let input = incoming.stream().unwrap();
    while output.blocking_splice(&input, 65_536).is_ok() {}
    drop(output);
    let trailers = Fields::new();
    trailers.set("x-sent", &[b"1".to_vec()]).unwrap();
    let trailers = Some(trailers).filter(|_| call.text("trailers") != "");
    if let Err(error) = OutgoingBody::finish(body, trailers) {
        text += &format!("finish {error:?}\n");
    }
    future.subscribe().block();
    match future.get().unwrap().unwrap() {
        Ok(response) => {
            text += &format!("status {}\n", response.status());
            text += &list("header", &response.headers());
            let body = response.consume().unwrap();
            let (length, sum, end) = read_all(&body);
            text += &format!("body {length} {sum} {end}\n");
            let future = IncomingBody::finish(body);
            future.subscribe().block();
            match future.get().unwrap().unwrap() {
                Ok(Some(trailers)) => text += &list("trailer", &trailers),
                Ok(None) => text += "no trailers\n",
                Err(error) => text += &format!("trailers {error:?}\n"),
            }
        }
        Err(error) => text += &format!("response {error:?}\n"),
    }
    text += &format!("second get {:?}\n", future.get().map(|got| got.is_err()));
    respond(call.out, 200, &text);
}

/// Waits for the response to a request before it reads the body of the incoming one.
pub fn hold(call: Call) {
    let (request, options) = prepare(&call);
    request.set_method(&Method::Get).unwrap();
    OutgoingBody::finish(request.body().unwrap(), None).unwrap();
    let future = handle(request, Some(options)).unwrap();
    future.subscribe().block();
    let body = call.request.consume().unwrap();
    let (length, sum, end) = read_all(&body);
    respond(call.out, 200, &format!("{length} {sum} {end}\n"));
}

/// Sends a request and responds when a byte of the request's body arrives, whatever comes back.
pub fn abandon(call: Call) {
    let (request, options) = prepare(&call);
    OutgoingBody::finish(request.body().unwrap(), None).unwrap();
    let _future = handle(request, Some(options)).unwrap();
    let body = call.request.consume().unwrap();
    let input = body.stream().unwrap();
    let _ = input.blocking_read(1);
    respond(call.out, 200, "abandoned\n");
}

/// Sends a request, begins a response, and waits for the answer, which may never come.
pub fn pending(call: Call) {
    let (request, options) = prepare(&call);
    let body = request.body().unwrap();
    let future = handle(request, Some(options)).unwrap();
    OutgoingBody::finish(body, None).unwrap();
    let response = begin(call.out, 200, Fields::new());
    write(&response.1, b"waiting\n");
    future.subscribe().block();
    write(&response.1, b"came\n");
    finish(response);
}

/// Sets parts of a request that are invalid.
pub fn invalid(call: Call) {
    let request = OutgoingRequest::new(Fields::new());
    let mut text = String::new();
    for given in call.request.headers().get("x-given") {
        let given = String::from_utf8_lossy(&given).into_owned();
        text += &format!(
            "{given:?} method {:?} scheme {:?} authority {:?} path {:?}\n",
            request.set_method(&Method::Other(given.clone())),
            request.set_scheme(Some(&Scheme::Other(given.clone()))),
            request.set_authority(Some(&given)),
            request.set_path_with_query(Some(&given)),
        );
    }
    respond(call.out, 200, &text);
}
