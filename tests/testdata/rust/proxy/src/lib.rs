use wasi::http::outgoing_handler;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam,
    Scheme,
};

struct Proxy;

impl wasi::exports::http::incoming_handler::Guest for Proxy {
    /// Forwards the request to the authority in `x-authority` and returns the response. If the
    /// outgoing request fails, the response has status 502 and the error as its body.
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let authority = request.headers().get("x-authority").remove(0);
        let outgoing = OutgoingRequest::new(Fields::new());
        outgoing.set_method(&request.method()).unwrap();
        outgoing.set_scheme(Some(&Scheme::Http)).unwrap();
        outgoing
            .set_authority(Some(&String::from_utf8(authority).unwrap()))
            .unwrap();
        outgoing
            .set_path_with_query(request.path_with_query().as_deref())
            .unwrap();
        let body = outgoing.body().unwrap();
        let future = outgoing_handler::handle(outgoing, None).unwrap();
        let output = body.write().unwrap();
        let incoming = request.consume().unwrap();
        let input = incoming.stream().unwrap();
        while output.blocking_splice(&input, 65_536).is_ok() {}
        drop(output);
        OutgoingBody::finish(body, None).unwrap();

        future.subscribe().block();
        let (status, headers, upstream) = match future.get().unwrap().unwrap() {
            Ok(response) => (
                response.status(),
                response.headers().entries(),
                Ok(response.consume().unwrap()),
            ),
            Err(error) => (502, Vec::new(), Err(format!("{error:?}"))),
        };
        let headers = Fields::from_list(&headers).unwrap();
        let response = OutgoingResponse::new(headers);
        response.set_status_code(status).unwrap();
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let output = body.write().unwrap();
        match upstream {
            Ok(upstream) => {
                let input = upstream.stream().unwrap();
                while output.blocking_splice(&input, 65_536).is_ok() {}
            }
            Err(text) => output.blocking_write_and_flush(text.as_bytes()).unwrap(),
        }
        drop(output);
        OutgoingBody::finish(body, None).unwrap();
    }
}

wasi::http::proxy::export!(Proxy);
