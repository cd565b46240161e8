use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct SocketProxy;

impl wasi::exports::http::incoming_handler::Guest for SocketProxy {
    /// Sends the request's path to the address in `x-address` over TCP, and returns all that comes
    /// back. If that fails, the response has status 502 and the kind of the error as its body.
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let address = request.headers().get("x-address").remove(0);
        let address = String::from_utf8(address).unwrap();
        let path = request.path_with_query().unwrap_or_default();
        let (status, body) = match exchange(&address, path.as_bytes()) {
            Ok(answer) => (200, answer),
            Err(error) => (502, format!("{:?}", error.kind()).into_bytes()),
        };
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).unwrap();
        let outgoing = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let output = outgoing.write().unwrap();
        for part in body.chunks(4096) {
            output.blocking_write_and_flush(part).unwrap();
        }
        drop(output);
        OutgoingBody::finish(outgoing, None).unwrap();
    }
}

fn exchange(address: &str, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(sent)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

wasi::http::proxy::export!(SocketProxy);
