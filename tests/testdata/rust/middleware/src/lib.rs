//! Middleware that answers 401 without `Authorization`, and counts itself in the path otherwise.

wit_bindgen::generate!({ path: "wit", world: "middleware", generate_all });

use wasi::http::handler;
use wasi::http::types::{ErrorCode, Fields, Request, Response};

struct Middleware;
export!(Middleware);

impl exports::wasi::http::handler::Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        if request.get_headers().get("authorization").is_empty() {
            let (trailers, trailers_read) = wit_future::new(|| Ok(None));
            drop(trailers);
            let (response, _) = Response::new(Fields::new(), None, trailers_read);
            let _ = response.set_status_code(401);
            return Ok(response);
        }
        let path = request.get_path_with_query().unwrap_or_default();
        let _ = request.set_path_with_query(Some(&format!("{path}+")));
        handler::handle(request).await
    }
}
