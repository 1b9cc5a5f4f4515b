//! The two pages. Plain strings: what varies is small, and every value is escaped where it is written.

use std::fmt::Write as _;
use std::sync::Arc;

use mail_parser::{MessageParser, MimeHeaders as _};

use crate::record::{Delivery, Snapshot};

const HEAD: &str = "<!doctype html>\n<html lang=en><meta charset=utf-8>\
    <meta name=viewport content=\"width=device-width, initial-scale=1\"><meta name=color-scheme content=\"light dark\">\
    <style>\
    body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
    h1{font-size:1.3rem;margin:0 0 .3rem}h2{font-size:1rem;margin:1.5rem 0 .3rem}\
    p.sums{opacity:.7;margin:.2rem 0 1rem}a{color:inherit}\
    table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;text-align:left;vertical-align:top;\
    border-bottom:1px solid #8884;overflow-wrap:anywhere}td.n,th.n{text-align:right;white-space:nowrap}\
    tr.several td{background:#f802}input,button{font:inherit;padding:.3rem .6rem}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.8rem;border-radius:.3rem}\
    iframe{width:100%;height:40rem;border:1px solid #8884;border-radius:.3rem;background:#fff}\
    </style>";

/// What the list shows.
#[derive(Debug)]
pub(super) struct List<'a> {
    /// Prefix of all links.
    pub(super) base: &'a str,
    pub(super) now: Snapshot,
    pub(super) to: &'a str,
    pub(super) offset: usize,
    pub(super) total: u64,
    /// Subjects and deliveries, newest first.
    pub(super) rows: &'a [(String, Delivery)],
    pub(super) top: &'a [(Arc<str>, u32)],
}

/// Makes text safe inside elements and quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// The decoded subject; empty without one, or without a body.
pub(super) fn subject(body: Option<&[u8]>) -> String {
    let parsed = body.and_then(|body| MessageParser::default().parse_headers(body));
    parsed.and_then(|message| message.subject().map(str::to_owned)).unwrap_or_default()
}

/// The newest messages.
pub(super) fn list(view: &List<'_>) -> String {
    let List { base, now, to, .. } = view;
    let (base, to) = (escape(base), escape(to));
    let mut page = format!(
        "{HEAD}<title>Inbox</title><h1>Inbox</h1>\
         <p class=sums>{} messages, {} copies, {} recipients, {} of them with several copies; \
         {} connections open, {} at most; {} held</p>\
         <form action=\"{base}/\"><input type=search name=to value=\"{to}\" placeholder=\"Recipient\"> \
         <button>Search</button></form>\
         <h2>{} copies{}</h2><table><tr><th class=n>No.<th>To<th>Subject<th class=n>Octets",
        now.messages,
        now.accepted,
        now.recipients,
        now.with_several,
        now.open_connections,
        now.max_open_connections,
        now.held,
        view.total,
        if to.is_empty() { "" } else { " found" },
    );
    for (subject, delivery) in view.rows {
        let subject = if subject.is_empty() { "(no subject)" } else { subject };
        let (seq, size) = (delivery.seq, delivery.size);
        let (subject, recipient) = (escape(subject), escape(&delivery.recipient));
        put(
            &mut page,
            format_args!(
                "\n<tr><td class=n>{seq}<td>{recipient}<td><a href=\"{base}/messages/{seq}\">{subject}</a>\
                 <td class=n>{size}"
            ),
        );
    }
    page.push_str("</table>");
    older(&mut page, view, &base);
    counts(&mut page, view.top);
    page
}

/// One message with its headers, its text parts and, in a sandbox, its HTML parts.
pub(super) fn message(base: &str, seq: u64, body: &[u8]) -> String {
    let base = escape(base);
    let mut page = format!(
        "{HEAD}<title>Message {seq}</title><p><a href=\"{base}/\">Inbox</a> · \
         <a href=\"{base}/messages/{seq}.eml\">as it came</a></p>"
    );
    let Some(message) = MessageParser::default().parse(body) else {
        put(&mut page, format_args!("<pre>{}</pre>", escape(&String::from_utf8_lossy(body))));
        return page;
    };

    put(&mut page, format_args!("<h1>{}</h1><table>", escape(message.subject().unwrap_or("(no subject)"))));
    for (name, value) in message.headers_raw() {
        put(&mut page, format_args!("\n<tr><th>{}<td>{}", escape(name), escape(value.trim())));
    }
    page.push_str("</table>");
    let (html, text): (Vec<_>, Vec<_>) =
        message.parts.iter().filter(|part| part.is_text()).partition(|part| part.is_text_html());
    for html in html.iter().filter_map(|part| part.text_contents()) {
        frame(&mut page, html);
    }
    for text in text.iter().filter_map(|part| part.text_contents()) {
        put(&mut page, format_args!("<h2>Text</h2><pre>{}</pre>", escape(text)));
    }
    for name in message.attachments().filter_map(|part| part.attachment_name()) {
        put(&mut page, format_args!("<p>Attachment: {}</p>", escape(name)));
    }
    page
}

/// No script, no forms, no origin; links open in a new window.
fn frame(page: &mut String, html: &str) {
    let document = format!("<base target=\"_blank\">{html}");
    put(
        page,
        format_args!(
            "<h2>HTML</h2><iframe title=\"HTML part\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" \
             referrerpolicy=no-referrer srcdoc=\"{}\"></iframe>",
            escape(&document)
        ),
    );
}

fn older(page: &mut String, view: &List<'_>, base: &str) {
    let next = view.offset + view.rows.len();
    if (next as u64) < view.total && !view.rows.is_empty() {
        let to = escape(&percent(view.to));
        put(page, format_args!("<p><a href=\"{base}/?to={to}&amp;offset={next}\">Older</a></p>"));
    }
}

fn counts(page: &mut String, top: &[(Arc<str>, u32)]) {
    page.push_str("<h2>Copies by recipient</h2><table><tr><th>Recipient<th class=n>Copies");
    for (recipient, copies) in top {
        let class = if *copies > 1 { " class=several" } else { "" };
        put(page, format_args!("\n<tr{class}><td>{}<td class=n>{copies}", escape(recipient)));
    }
    page.push_str("</table>");
}

/// A value for a query string: all but unreserved characters encoded (RFC 3986, 2.3).
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => put(&mut encoded, format_args!("%{byte:02X}")),
        }
    }
    encoded
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to a String does not fail");
}
