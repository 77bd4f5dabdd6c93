use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ListParams, PostParams, WatchParams};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::service_fn;

use super::*;
use crate::cluster::classify;
use crate::model::Class;
use crate::runtime::{Effect, Effects, Moment, Transport};

fn answer(code: u16, body: &str) -> Response<Body> {
    Response::builder().status(code).body(Body::from(body.as_bytes().to_vec())).unwrap()
}

fn config_map() -> Response<Body> {
    answer(200, r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#)
}

fn api<S, F>(service: S, options: &ClientOptions) -> Api<ConfigMap>
where
    S: FnMut(Request<Body>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
{
    Api::namespaced(Clients::over(service_fn(service), "access", options).api, "access")
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_ends_in_time_and_is_counted() {
    let metrics = Metrics::new().unwrap();
    let options = ClientOptions { metrics: Some(metrics.clone()), ..ClientOptions::default() };
    let silent = api(|_| std::future::pending(), &options);
    let began = Moment::now();
    let error = silent.get("a").await.unwrap_err();
    assert!(began.elapsed() >= Duration::from_secs(10));
    assert!(began.elapsed() < Duration::from_secs(11));
    assert_eq!(classify(&error), Class::Retry);
    let text = error.to_string();
    assert!(text.contains("GET /api/v1/namespaces/access/configmaps/a"), "{text}");
    let line = r#"rollback_kubernetes_requests_total{method="GET",outcome="timeout"} 1"#;
    assert!(metrics.encode().unwrap().contains(line));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_ends_in_time_and_a_watch_goes_on() {
    let stalling = |_| async {
        let stalled = futures::stream::pending::<Result<hyper::body::Frame<Bytes>, BoxError>>();
        Ok::<_, BoxError>(Response::new(http_body_util::StreamBody::new(stalled)))
    };
    let clients = Clients::over(service_fn(stalling), "access", &ClientOptions::default());
    let api: Api<ConfigMap> = Api::namespaced(clients.api, "access");
    assert!(api.list(&ListParams::default()).await.is_err());

    let mut watch = Box::pin(api.watch(&WatchParams::default(), "0").await.unwrap());
    let hour = Duration::from_hours(1);
    assert!(tokio::time::timeout(hour, futures::StreamExt::next(&mut watch)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_a_head_ends_too() {
    let silent = api(|_| std::future::pending(), &ClientOptions::default());
    let began = Moment::now();
    assert!(silent.watch(&WatchParams::default(), "0").await.is_err());
    assert!(began.elapsed() < Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_at_work_and_the_lease_does_not_wait() {
    let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (Arc::clone(&now), Arc::clone(&peak));
    let service = service_fn(move |request: Request<Body>| {
        let (now, peak) = (Arc::clone(&counting), Arc::clone(&highest));
        async move {
            if request.uri().path().ends_with("/lease") {
                return Ok::<_, BoxError>(config_map());
            }
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            crate::runtime::Clock::real().sleep(Duration::from_secs(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(config_map())
        }
    });
    let clients = Clients::over(service, "access", &ClientOptions::default());
    let api: Api<ConfigMap> = Api::namespaced(clients.api, "access");
    let lease: Api<ConfigMap> = Api::namespaced(clients.lease, "access");
    let many = futures::future::join_all((0..100).map(|_| api.get("a")));
    let quick = async {
        tokio::task::yield_now().await;
        let began = Moment::now();
        lease.get("lease").await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(500));
    };
    let (all, ()) = tokio::join!(many, quick);
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(peak.load(Ordering::SeqCst), 32);
}

#[tokio::test]
async fn nothing_is_tried_twice_and_the_wait_of_a_429_is_kept() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let busy = api(
        move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async {
                let mut answer = answer(429, "Too many requests, please try again later.\n");
                answer.headers_mut().insert("retry-after", HeaderValue::from_static("3"));
                Ok(answer)
            }
        },
        &ClientOptions::default(),
    );
    let error = busy.get("a").await.unwrap_err();
    let Class::Throttled { after, .. } = classify(&error) else { panic!("{error}") };
    assert_eq!(after, Duration::from_secs(3));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// Stops the world for ever at one effect, before or after it.
struct StopAt {
    number: u64,
    after: bool,
    seen: Mutex<Vec<String>>,
}

impl Effects for StopAt {
    fn before(&self, effect: Effect) -> BoxFuture<'static, ()> {
        assert_eq!(effect.transport, Transport::Kubernetes);
        self.seen.lock().unwrap().push(format!("{} {}", effect.verb, effect.target));
        stop_if(!self.after && effect.number == self.number)
    }

    fn after(&self, effect: Effect) -> BoxFuture<'static, ()> {
        stop_if(self.after && effect.number == self.number)
    }
}

fn stop_if(here: bool) -> BoxFuture<'static, ()> {
    if here { Box::pin(std::future::pending()) } else { Box::pin(std::future::ready(())) }
}

#[tokio::test(start_paused = true)]
async fn the_world_can_be_stopped_before_and_after_each_request() {
    for (after, sent) in [(false, 1), (true, 2)] {
        let hook = Arc::new(StopAt { number: 2, after, seen: Mutex::default() });
        let written = Arc::new(Mutex::new(BTreeMap::new()));
        let stored = Arc::clone(&written);
        let options = ClientOptions {
            choke_point: ChokePoint::new(Arc::clone(&hook) as Arc<dyn Effects>),
            ..ClientOptions::default()
        };
        let api = api(
            move |request| {
                let stored = Arc::clone(&stored);
                async move {
                    let count = stored.lock().unwrap().len();
                    stored.lock().unwrap().insert(count, request.uri().path().to_owned());
                    Ok(config_map())
                }
            },
            &options,
        );
        let work = async {
            api.get("a").await.unwrap();
            let _ = api.create(&PostParams::default(), &ConfigMap::default()).await;
            panic!("it went on");
        };
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, work).await.is_err());
        assert_eq!(written.lock().unwrap().len(), sent, "after: {after}");
        assert_eq!(hook.seen.lock().unwrap()[1], "POST /api/v1/namespaces/access/configmaps");
    }
}

#[tokio::test]
async fn a_real_connection_names_the_operator() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head).unwrap()
    });
    let config = Config::new(url.parse().unwrap());
    let clients = Clients::from_config(config, &ClientOptions::default()).unwrap();
    let api: Api<ConfigMap> = Api::namespaced(clients.api, "access");
    api.get("a").await.unwrap();
    let head = server.await.unwrap().to_lowercase();
    assert!(head.contains(&format!("user-agent: {AGENT}\r\n")), "{head}");
}
