//! The least HTTP client that shows what a caller sees: a reply, or a closed connection.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Client(SocketAddr);

pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(at, _)| at == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    pub fn address(&self) -> SocketAddr {
        self.0
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", "").await.unwrap()
    }

    pub async fn post(&self, path: &str, target: &str, body: &str) -> Option<Reply> {
        self.send("POST", path, target, body).await
    }

    /// One call of sso-admin; nothing if the connection was closed instead of a reply.
    pub async fn sso(&self, operation: &str, body: &Value) -> Option<Reply> {
        self.post("/", &format!("SWBExternalService.{operation}"), &body.to_string()).await
    }

    async fn send(&self, method: &str, path: &str, target: &str, body: &str) -> Option<Reply> {
        let mut stream = TcpStream::connect(self.0).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-amz-target: {target}\r\n\
             content-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n{body}",
            self.0,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.ok()?;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Some(Reply { status, headers, body: body.to_owned() })
    }
}
