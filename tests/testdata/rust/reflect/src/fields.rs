use crate::reflect::list;
use crate::{begin, finish, respond, write, Call};
use std::fmt::Write;
use wasi::http::types::{Fields, OutgoingResponse};

/// Calls the function of `fields` that `do` names for each `x-name` with each `x-value`. Responds with
/// the results, and with the fields as headers.
pub fn fields(call: Call) {
    let mut text = String::new();
    let given = call.request.headers();
    let fields = Fields::new();
    let values = given.get("x-value");
    for name in given.get("x-name") {
        let name = String::from_utf8_lossy(&name).into_owned();
        match call.text("do") {
            "set" => writeln!(text, "set {name} {:?}", fields.set(&name, &values)).unwrap(),
            "delete" => writeln!(text, "delete {name} {:?}", fields.delete(&name)).unwrap(),
            "list" => {
                let entries: Vec<_> = values.iter().map(|v| (name.clone(), v.clone())).collect();
                let made = Fields::from_list(&entries).map(|made| list("made", &made));
                writeln!(text, "from-list {name} {made:?}").unwrap();
            }
            _ => {
                for value in &values {
                    let result = fields.append(&name, value);
                    writeln!(text, "append {name} {result:?}").unwrap();
                }
            }
        }
        let got = fields.get(&name).len();
        writeln!(text, "has {name} {} {got}", fields.has(&name)).unwrap();
    }
    let copy = fields.clone();
    text += &list("field", &copy);
    let response = begin(call.out, 200, fields);
    write(&response.1, text.as_bytes());
    finish(response);
}

/// Changes fields that are immutable.
pub fn immutable(call: Call) {
    let mut text = String::new();
    let mut change = |kind: &str, fields: &Fields| {
        let results = [
            fields.set("x", &[b"1".to_vec()]),
            fields.append("x", b"1"),
            fields.delete("x"),
        ];
        writeln!(text, "{kind} {results:?}").unwrap();
    };
    change("request", &call.request.headers());
    change("clone", &call.request.headers().clone());
    let response = OutgoingResponse::new(Fields::new());
    change("response", &response.headers());
    let request = wasi::http::types::OutgoingRequest::new(Fields::new());
    change("outgoing", &request.headers());
    respond(call.out, 200, &text);
}
