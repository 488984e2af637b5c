//! `POST /v2/models/{model}/infer`: asks a model.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
};
use host_core::{
    Name,
    body::Whole,
    call::{Call, CallContext, InferCall, Prediction, Reply, Target, TriggerRef},
    event::{Failure, FailureKind, code},
    model::ModelRef,
};
use host_wire::oip::{self, InferRequest, InferResponse, InputTensor, OutputTensor};
use http::StatusCode;

use super::{Refusal, model::reference};
use crate::{AppState, principal::Principal};

/// Asks the version that answers for a model or an endpoint.
#[utoipa::path(post, path = "/v2/models/{model}/infer", tag = "inference", operation_id = "oip_infer",
    params(("model" = String, Path)), request_body = InferRequest,
    responses((status = 200, body = InferResponse), (status = 400, body = oip::Error),
        (status = 404, body = oip::Error), (status = 429, body = oip::Error), (status = 504, body = oip::Error)))]
pub(crate) async fn infer(
    State(state): State<AppState>,
    Principal(principal): Principal,
    Path(model): Path<String>,
    body: Body,
) -> Result<Json<InferResponse>, Refusal> {
    let asked = reference(&model, None)?;
    answer(&state, principal, asked, model, body).await
}

/// Asks one version of a model.
#[utoipa::path(post, path = "/v2/models/{model}/versions/{version}/infer", tag = "inference",
    operation_id = "oip_version_infer", params(("model" = String, Path), ("version" = String, Path)),
    request_body = InferRequest,
    responses((status = 200, body = InferResponse), (status = 400, body = oip::Error),
        (status = 404, body = oip::Error), (status = 429, body = oip::Error), (status = 504, body = oip::Error)))]
pub(crate) async fn version_infer(
    State(state): State<AppState>,
    Principal(principal): Principal,
    Path((model, version)): Path<(String, String)>,
    body: Body,
) -> Result<Json<InferResponse>, Refusal> {
    let asked = reference(&model, Some(&version))?;
    answer(&state, principal, asked, model, body).await
}

async fn answer(
    state: &AppState,
    principal: String,
    asked: ModelRef,
    name: String,
    body: Body,
) -> Result<Json<InferResponse>, Refusal> {
    // Held until the answer is made: the tensors stay in memory for as long.
    let Whole { bytes, held: _held } = crate::body::read(state, body, state.config().max_tensors.0).await?;
    let request: InferRequest = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::bad_request(format!("the body is not an inference request: {error}")))?;
    let inputs = request.inputs.into_iter().map(InputTensor::into_tensor).collect::<Result<Vec<_>, _>>();
    let inputs = inputs.map_err(Refusal::bad_request)?;
    let outputs = request.outputs.into_iter().map(|it| it.name).collect();
    let mut context = CallContext::new(TriggerRef::new("api", "infer"));
    context.principal = principal;
    let target = Target::Model(Name::default_project(), asked);
    match state.dispatch.call(target, context, Call::Infer(InferCall { inputs, outputs })).await.reply {
        Ok(Reply::Infer(prediction)) => Ok(Json(response(name, request.id, prediction))),
        Ok(_) => Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the call gave no prediction")),
        Err(failure) => Err(failure.into()),
    }
}

fn response(name: String, id: Option<String>, prediction: Prediction) -> InferResponse {
    let Prediction { version, outputs } = prediction;
    let mut parameters = serde_json::Map::new();
    parameters.insert("model".into(), version.model.to_string().into());
    parameters.insert("digest".into(), version.digest.to_string().into());
    InferResponse {
        model_name: name,
        model_version: version.number.to_string(),
        id,
        parameters,
        outputs: outputs.into_iter().map(OutputTensor::from).collect(),
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = match (failure.code.as_str(), failure.kind) {
            (code::NOT_FOUND, _) => StatusCode::NOT_FOUND,
            (code::OVERLOADED, _) => StatusCode::TOO_MANY_REQUESTS,
            (code::DEADLINE, _) => StatusCode::GATEWAY_TIMEOUT,
            (_, FailureKind::Invalid) => StatusCode::BAD_REQUEST,
            (_, FailureKind::Transient) => StatusCode::SERVICE_UNAVAILABLE,
            (_, FailureKind::Fatal) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, error: failure.message, retry_after_ms: failure.retry_after_ms }
    }
}
