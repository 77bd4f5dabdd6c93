//! `/_sim/`: what lies outside AWS's API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Shared;
use crate::sim::faults::FaultScript;
use crate::sim::foreign::ForeignChange;
use crate::sim::operation;
use crate::sim::seed::{Seed, View};
use crate::sim::settings::Settings;

type Simulator = State<Arc<Shared>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateQuery {
    #[serde(default)]
    format: Format,
    #[serde(default)]
    view: ViewName,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Yaml,
    Json,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ViewName {
    #[default]
    All,
    Access,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    last: Option<usize>,
}

fn yaml<T: Serialize>(value: &T) -> Response {
    match serde_saphyr::to_string(value) {
        Ok(text) => ([("content-type", "application/yaml")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn refuse(problem: impl std::fmt::Display) -> Response {
    (StatusCode::BAD_REQUEST, format!("{problem}\n")).into_response()
}

pub(super) async fn health(State(simulator): Simulator) -> Response {
    let clock = &simulator.clock;
    Json(json!({
        "status": "ok",
        "now": clock.now(),
        "timeScale": clock.scale,
        "timeOrigin": clock.origin,
    }))
    .into_response()
}

/// What is answered, by service.
pub(super) async fn operations() -> Response {
    Json(operation::names()).into_response()
}

pub(super) async fn state(
    State(simulator): Simulator,
    Query(query): Query<StateQuery>,
) -> Response {
    let view = match query.view {
        ViewName::All => View::All,
        ViewName::Access => View::Access,
    };
    let dump = {
        let mut world = simulator.world();
        world.advance(simulator.clock.now());
        world.dump(view)
    };
    if query.format == Format::Json { Json(dump).into_response() } else { yaml(&dump) }
}

pub(super) async fn counters(State(simulator): Simulator) -> Response {
    let mut world = simulator.world();
    world.advance(simulator.clock.now());
    Json(world.counters().clone()).into_response()
}

pub(super) async fn log(State(simulator): Simulator, Query(query): Query<LogQuery>) -> Response {
    let world = simulator.world();
    let entries: Vec<_> = world.log(query.last.unwrap_or(100)).cloned().collect();
    Json(entries).into_response()
}

pub(super) async fn reset(State(simulator): Simulator) -> Response {
    match simulator.reset() {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(error),
    }
}

/// Replaces the seed and begins anew with it.
pub(super) async fn seed(State(simulator): Simulator, body: String) -> Response {
    let seed = match Seed::from_yaml(&body) {
        Ok(seed) => seed,
        Err(error) => return refuse(error),
    };
    let before = std::mem::replace(&mut simulator.options().seed, seed);
    match simulator.reset() {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            simulator.options().seed = before;
            refuse(error)
        }
    }
}

pub(super) async fn faults(State(simulator): Simulator) -> Response {
    yaml(simulator.world().faults())
}

pub(super) async fn set_faults(State(simulator): Simulator, body: String) -> Response {
    match FaultScript::from_yaml(&body) {
        Ok(script) => {
            let mut world = simulator.world();
            world.set_faults(script, simulator.clock.now());
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => refuse(problem),
    }
}

pub(super) async fn settings(State(simulator): Simulator) -> Response {
    yaml(simulator.world().settings())
}

pub(super) async fn set_settings(State(simulator): Simulator, body: String) -> Response {
    match serde_saphyr::from_str::<Settings>(&body) {
        Ok(settings) => {
            simulator.world().set_settings(settings);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refuse(error),
    }
}

pub(super) async fn change(State(simulator): Simulator, body: String) -> Response {
    let change = match serde_saphyr::from_str::<ForeignChange>(&body) {
        Ok(change) => change,
        Err(error) => return refuse(error),
    };
    let mut world = simulator.world();
    match world.change_from_outside(simulator.clock.now(), &change) {
        Ok(changed) => Json(json!({"changedAssignments": changed})).into_response(),
        Err(error) => refuse(error),
    }
}
