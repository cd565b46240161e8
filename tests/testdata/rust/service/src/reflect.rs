//! Responses that show what a host makes of requests, fields and bodies.

use std::fmt::Write;

use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::{done, text};

/// Shows all of a request; of its body the length and a hash.
pub async fn request(request: Request) -> Response {
    let mut shown = format!(
        "method {:?}\nscheme {:?}\nauthority {:?}\npath {:?}\n",
        request.get_method(),
        request.get_scheme(),
        request.get_authority(),
        request.get_path_with_query(),
    );
    for (name, value) in request.get_headers().copy_all() {
        let value = value.escape_ascii();
        writeln!(shown, "header {name} \"{value}\"").unwrap();
    }
    let (mut body, trailers) = Request::consume_body(request, done());
    let (mut length, mut hash) = (0, 5381u32);
    loop {
        let (result, bytes) = body.read(Vec::with_capacity(65_536)).await;
        length += bytes.len();
        for byte in bytes {
            hash = hash.wrapping_mul(33) ^ u32::from(byte);
        }
        if matches!(result, wit_bindgen::StreamResult::Dropped) {
            break;
        }
    }
    writeln!(shown, "body {length} {hash}").unwrap();
    let trailers = trailers
        .await
        .map(|some| some.map(|fields| fields.copy_all()));
    writeln!(shown, "trailers {trailers:?}").unwrap();
    text(&shown)
}

/// Responds with a status.
pub fn status(query: &str) -> Response {
    let response = text("text");
    if response.set_status_code(query.parse().unwrap()).is_ok() {
        return response;
    }
    text("refused")
}

/// Responds with a `Content-Length` and a body, which may have different lengths.
pub fn declared(query: &str) -> Result<Response, ErrorCode> {
    let (declared, written) = query.split_once('&').unwrap();
    let fields = Fields::new();
    let value = declared.as_bytes().to_vec();
    if let Err(error) = fields.append("content-length", &value) {
        return Ok(text(&format!("{error:?}")));
    }
    let (mut writer, body) = wit_stream::new();
    let bytes = vec![b'x'; written.parse().unwrap()];
    wit_bindgen::spawn_local(async move {
        writer.write_all(bytes).await;
    });
    let trailers = wit_future::new(|| Ok(None)).1;
    Ok(Response::new(fields, Some(body), trailers).0)
}

/// Changes fields by each `x-name` and `x-value` of the request, and shows the results.
pub fn fields(request: &Request, query: &str) -> Response {
    let headers = request.get_headers();
    let values = headers.get("x-value");
    let fields = Fields::new();
    let mut shown = String::new();
    for name in headers.get("x-name") {
        let name = String::from_utf8_lossy(&name).into_owned();
        let result = match query {
            "set" => format!("{:?}", fields.set(&name, &values)),
            "append" => format!(
                "{:?}",
                values
                    .iter()
                    .map(|value| fields.append(&name, value))
                    .collect::<Vec<_>>()
            ),
            "delete" => format!(
                "{:?} {:?}",
                fields.append(&name, b"v"),
                fields.get_and_delete(&name)
            ),
            _ => {
                let entries: Vec<_> = values
                    .iter()
                    .map(|value| (name.clone(), value.clone()))
                    .collect();
                format!(
                    "{:?}",
                    Fields::from_list(&entries).map(|fields| fields.copy_all())
                )
            }
        };
        writeln!(
            shown,
            "{name:?} {result} {} {:?}",
            fields.has(&name),
            fields.get(&name)
        )
        .unwrap();
    }
    writeln!(shown, "{:?}", fields.clone().copy_all()).unwrap();
    text(&shown)
}

/// Sets each `x-given` of the request as the parts of a request.
pub fn invalid(request: &Request) -> Response {
    let mut shown = String::new();
    for given in request.get_headers().get("x-given") {
        let given = String::from_utf8_lossy(&given).into_owned();
        let trailers = wit_future::new(|| Ok(None)).1;
        let options = RequestOptions::new();
        options.set_connect_timeout(Some(5)).unwrap();
        let (made, _) = Request::new(Fields::new(), None, trailers, Some(options));
        writeln!(
            shown,
            "{given:?} method {:?} path {:?} authority {:?} {:?}",
            made.set_method(&Method::Other(given.clone())),
            made.set_path_with_query(Some(&given)),
            made.set_authority(Some(&given)),
            made.get_options()
                .map(|options| options.set_connect_timeout(None)),
        )
        .unwrap();
        writeln!(
            shown,
            "{:?} {:?} {:?}",
            made.get_method(),
            made.get_path_with_query(),
            made.get_authority(),
        )
        .unwrap();
        let scheme = made.set_scheme(Some(&Scheme::Other(given)));
        writeln!(shown, "scheme {scheme:?}").unwrap();
    }
    text(&shown)
}

/// Shows what changes of a request's headers result in.
pub fn immutable(request: &Request) -> Response {
    let headers = request.get_headers();
    let changed = headers.clone();
    text(&format!(
        "{:?} {:?} {:?} {:?}\n",
        headers.set("x-a", &[b"1".to_vec()]),
        headers.append("x-a", b"1"),
        headers.delete("x-a"),
        changed.append("x-a", b"1"),
    ))
}

/// Responds with trailers.
pub fn trailers() -> Response {
    let (mut writer, body) = wit_stream::new();
    let (sender, trailers) = wit_future::new(|| Ok(None));
    wit_bindgen::spawn_local(async move {
        writer.write_all(b"body".to_vec()).await;
        drop(writer);
        let fields = Fields::from_list(&[("x-trailer".to_string(), b"1".to_vec())]).unwrap();
        let _ = sender.write(Ok(Some(fields))).await;
    });
    Response::new(Fields::new(), Some(body), trailers).0
}
