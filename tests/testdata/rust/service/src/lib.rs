//! A service of WASI 0.3 whose paths do what tests need.

mod reflect;

use std::sync::atomic::{AtomicU32, Ordering};

use wasip3::cli::exit;
use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::wit_bindgen::{self, StreamReader};
use wasip3::{wit_future, wit_stream};

struct Service;
wasip3::http::service::export!(Service);

static CALLS: AtomicU32 = AtomicU32::new(0);

impl wasip3::exports::http::handler::Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/" => Ok(text("Hello from a service\n")),
            "/path" | "/path+" | "/path++" => Ok(text(path)),
            "/method" => Ok(text(&format!("{:?}", request.get_method()))),
            "/count" => Ok(text(&calls.to_string())),
            "/echo" => {
                let (body, trailers) = Request::consume_body(request, done());
                Ok(Response::new(Fields::new(), Some(body), trailers).0)
            }
            "/length" => {
                let (mut body, _) = Request::consume_body(request, done());
                let mut length = 0;
                loop {
                    let (result, bytes) = body.read(Vec::with_capacity(65_536)).await;
                    length += bytes.len();
                    if matches!(result, wit_bindgen::StreamResult::Dropped) {
                        break;
                    }
                }
                Ok(text(&length.to_string()))
            }
            // Waits for milliseconds.
            "/wait" => {
                monotonic_clock::wait_for(query.parse::<u64>().unwrap() * 1_000_000).await;
                Ok(text("waited"))
            }
            // Waits many times at once, within one call.
            "/waits" => {
                let count = query.parse::<u64>().unwrap();
                futures::future::join_all((0..count).map(|_| monotonic_clock::wait_for(1_000_000)))
                    .await;
                Ok(text(&count.to_string()))
            }
            "/yield" => {
                for _ in 0..query.parse::<u32>().unwrap() {
                    wit_bindgen::yield_async().await;
                }
                Ok(text("yielded"))
            }
            "/loop" => loop {
                CALLS.fetch_add(1, Ordering::Relaxed);
            },
            // Streams until it is stopped.
            "/stream" => {
                let (mut writer, body) = wit_stream::new();
                wit_bindgen::spawn_local(async move {
                    while writer.write_all(vec![b'x'; 65_536]).await.is_empty() {}
                });
                Ok(response(Some(body)))
            }
            // Responds, and never reads the body that it keeps.
            "/unread" => {
                let (body, _) = Request::consume_body(request, done());
                wit_bindgen::spawn_local(async move {
                    monotonic_clock::wait_for(u64::MAX).await;
                    drop(body);
                });
                Ok(text("unread"))
            }
            "/trap" => panic!("trapped"),
            "/exit" => {
                exit::exit_with_code(query.parse().unwrap());
                unreachable!()
            }
            // Traps after a part of the body was sent.
            "/trap-later" => {
                let (mut writer, body) = wit_stream::new();
                wit_bindgen::spawn_local(async move {
                    writer.write_all(vec![b'x'; 300_000]).await;
                    panic!("trapped later");
                });
                Ok(response(Some(body)))
            }
            "/error" => Err(ErrorCode::InternalError(Some("as asked".to_string()))),
            // Responds with a part, waits for the response of an authority, and then ends.
            "/pending" => {
                let authority = query.to_string();
                let (mut writer, body) = wit_stream::new();
                wit_bindgen::spawn_local(async move {
                    writer.write_all(b"waiting\n".to_vec()).await;
                    let trailers = wit_future::new(|| Ok(None)).1;
                    let (onward, _) = Request::new(Fields::new(), None, trailers, None);
                    onward.set_scheme(Some(&Scheme::Http)).unwrap();
                    onward.set_authority(Some(&authority)).unwrap();
                    let _ = client::send(onward).await;
                });
                Ok(response(Some(body)))
            }
            "/reflect" => Ok(reflect::request(request).await),
            "/status" => Ok(reflect::status(query)),
            "/declared" => reflect::declared(query),
            "/fields" => Ok(reflect::fields(&request, query)),
            "/invalid" => Ok(reflect::invalid(&request)),
            "/immutable" => Ok(reflect::immutable(&request)),
            "/trailers" => Ok(reflect::trailers()),
            // Sends the request on to an authority and the path of `x-path`.
            "/fetch" => {
                let path = request.get_headers().get("x-path").pop();
                let (body, trailers) = Request::consume_body(request, done());
                let (onward, _) = Request::new(Fields::new(), Some(body), trailers, None);
                onward.set_method(&Method::Post).unwrap();
                onward.set_scheme(Some(&Scheme::Http)).unwrap();
                onward.set_authority(Some(query)).unwrap();
                let path = path.map(|bytes| String::from_utf8(bytes).unwrap());
                if onward.set_path_with_query(path.as_deref()).is_err() {
                    return Ok(text("refused"));
                }
                client::send(onward).await
            }
            _ => {
                let response = response(None);
                response.set_status_code(404).unwrap();
                Ok(response)
            }
        }
    }
}

fn done() -> wit_bindgen::FutureReader<Result<(), ErrorCode>> {
    wit_future::new(|| Ok(())).1
}

fn text(text: &str) -> Response {
    let (mut writer, body) = wit_stream::new();
    let bytes = text.as_bytes().to_vec();
    wit_bindgen::spawn_local(async move {
        writer.write_all(bytes).await;
    });
    response(Some(body))
}

fn response(body: Option<StreamReader<u8>>) -> Response {
    Response::new(Fields::new(), body, wit_future::new(|| Ok(None)).1).0
}
