//! The API server is reached as `kubectl` reaches it: by the proxy of the environment, where one is.

use std::io::{BufRead as _, BufReader, Write as _, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Place, Said};

/// A proxy for HTTPS that counts what it is asked for. It ends with the tests.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || tunnel(client.unwrap()));
        }
    });
    (url, asked)
}

/// Answers `CONNECT host:port` and passes on what comes from either side.
fn tunnel(mut client: TcpStream) {
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let target = first.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap().to_owned();
    while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
    let server = TcpStream::connect(target).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = copy(&mut &server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}

#[test]
fn the_proxy_of_the_environment_is_the_way_to_the_api_server() {
    let place = Place::new();
    let (url, asked) = proxy();
    let status = |variables: &[(&str, &str)]| {
        let mut command = place.command(place.control_plane.kubeconfig(), &["status"]);
        for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(name);
        }
        Said::by(command.envs(variables.iter().copied()).output().unwrap())
    };
    status(&[("HTTPS_PROXY", &url)]).done();
    assert_ne!(asked.swap(0, Ordering::Relaxed), 0, "the proxy was passed by");
    status(&[("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.1")]).done();
    status(&[]).done();
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the proxy was asked all the same");
    let said = status(&[("HTTPS_PROXY", "http://127.0.0.1:9")]);
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("Connection refused"), "{}", said.stderr);
}
