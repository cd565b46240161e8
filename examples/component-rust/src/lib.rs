use wasi::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Hello;

impl wasi::exports::http::incoming_handler::Guest for Hello {
    /// Responds to GET with a greeting, and to any other method with the request body.
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let headers = Fields::new();
        headers
            .set("content-type", &[b"text/plain; charset=utf-8".to_vec()])
            .unwrap();
        let response = OutgoingResponse::new(headers);
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let output = body.write().unwrap();
        if matches!(request.method(), Method::Get) {
            output
                .blocking_write_and_flush("👋 Hello from a component\n".as_bytes())
                .unwrap();
        } else {
            let incoming = request.consume().unwrap();
            let input = incoming.stream().unwrap();
            // `blocking_splice` returns the error `closed` after the last byte.
            while output.blocking_splice(&input, 65_536).is_ok() {}
        }
        drop(output);
        OutgoingBody::finish(body, None).unwrap();
    }
}

wasi::http::proxy::export!(Hello);
