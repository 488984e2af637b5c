//! What errors of other rooms are as problems.

use host_core::{
    event::{Failure, FailureKind, code},
    model::{LoadError, ScoreError},
    ports::{ArtifactError, DeployError, JournalError, ModelError, PackageError, StreamError},
};
use host_pipelines::SubmitError;
use host_store::{StoreError, TransferError, TrustError};
use host_wire::problem::Mistake;
use http::StatusCode;

use super::Problem;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound(_) => Self::not_found(error.to_string()),
            StoreError::Cursor(_) => Self::new(StatusCode::BAD_REQUEST, "invalid-cursor", error.to_string()),
            _ => Self::storage(error.to_string()),
        }
    }
}

impl From<TrustError> for Problem {
    fn from(error: TrustError) -> Self {
        let detail = error.to_string();
        match error {
            TrustError::Store(error) => error.into(),
            TrustError::Revoked { .. } => Self::new(StatusCode::CONFLICT, "key-revoked", detail)
                .hint("ask the publisher for the key they use by now"),
            TrustError::TooMany => Self::new(StatusCode::CONFLICT, "too-many-keys", detail),
        }
    }
}

impl From<TransferError> for Problem {
    fn from(error: TransferError) -> Self {
        let detail = error.to_string();
        match error {
            TransferError::Store(error) => error.into(),
            TransferError::Artifact(error) => error.into(),
            TransferError::Exists(_) => Self::new(StatusCode::CONFLICT, "project-exists", detail),
            TransferError::RouteTaken(_) => Self::new(StatusCode::CONFLICT, "route-taken", detail),
            TransferError::Archive(_) => Self::unprocessable("bad-archive", detail),
            TransferError::Newer { .. } => Self::unprocessable("newer-archive", detail),
            _ => Self::storage(detail),
        }
    }
}

impl From<DeployError> for Problem {
    fn from(error: DeployError) -> Self {
        host_dispatch::release::Error::from(error).into()
    }
}

impl From<host_dispatch::release::Error> for Problem {
    fn from(error: host_dispatch::release::Error) -> Self {
        use host_dispatch::release::Error as E;
        let detail = error.to_string();
        match error {
            E::MissingComponent(digest) => Self::unprocessable("missing-component", detail)
                .hint(format!("send its bytes with PUT /api/v1/components/{digest} first")),
            E::NotGranted { right, line_to_add, .. } => {
                let problem = Self::unprocessable("not-granted", detail).place("function.toml, [grants]");
                problem.hint(match line_to_add {
                    Some(line) => format!("add `{line}` under [grants] in function.toml"),
                    None => format!("this host cannot grant `{}` yet", right.as_str()),
                })
            }
            E::Trigger(_) => Self::unprocessable("unfit-trigger", detail).place("function.toml, [[triggers]]"),
            E::Manifest(_) => Self::unprocessable("invalid-manifest", detail).place("function.toml"),
            E::Unfit(_) => Self::unprocessable("unfit-component", detail),
            E::RouteTaken { .. } => Self::new(StatusCode::CONFLICT, "route-taken", detail)
                .place("function.toml, [[triggers]]")
                .hint("choose another path or host, or delete the other function"),
            E::NotFound(_) => Self::not_found(detail).hint("`fn list` shows what is deployed"),
            E::NoEarlier(_) => Self::new(StatusCode::CONFLICT, "no-earlier-revision", detail),
            E::Busy => Self::busy(detail),
            E::Storage(_) => Self::storage(detail),
        }
    }
}

impl From<ArtifactError> for Problem {
    fn from(error: ArtifactError) -> Self {
        let detail = error.to_string();
        match error {
            ArtifactError::NotFound(_) => Self::not_found(detail),
            ArtifactError::Damaged { .. } => Self::unprocessable("other-digest", detail),
            ArtifactError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, detail),
            ArtifactError::Source(_) => Self::new(StatusCode::BAD_REQUEST, "broken-body", detail),
            ArtifactError::Storage(_) => Self::storage(detail),
        }
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        let detail = error.to_string();
        match error {
            ModelError::NotFound(_) => Self::not_found(detail).hint("`fn models list` shows what is registered"),
            ModelError::Retired { .. } => Self::new(StatusCode::CONFLICT, "retired", detail),
            ModelError::Unfit { .. } => Self::unprocessable("unfit-model", detail),
            ModelError::NoEarlier { .. } => Self::new(StatusCode::CONFLICT, "no-earlier-version", detail),
            ModelError::Storage(_) => Self::storage(detail),
        }
    }
}

impl From<StreamError> for Problem {
    fn from(error: StreamError) -> Self {
        let detail = error.to_string();
        match error {
            StreamError::NotFound(_) => Self::not_found(detail).hint("`fn models streams list` shows those there are"),
            StreamError::Exists(name) => Self::new(StatusCode::CONFLICT, "stream-exists", detail)
                .hint(format!("take another name, or `fn models streams remove {name}` first")),
            StreamError::Invalid(_) => Self::unprocessable("invalid-stream", detail),
            StreamError::Storage(_) => Self::storage(detail),
        }
    }
}

impl From<PackageError> for Problem {
    fn from(error: PackageError) -> Self {
        let detail = error.to_string();
        match error {
            PackageError::NotFound(_) => Self::not_found(detail).hint("`fn search` shows what is offered"),
            PackageError::Denied { namespace, .. } => Self::new(StatusCode::FORBIDDEN, "not-an-owner", detail)
                .hint(format!("fn namespaces show {namespace}; its owners add others with `fn namespaces add`")),
            PackageError::Immutable { .. } => Self::new(StatusCode::CONFLICT, "immutable-version", detail),
            PackageError::Offered(_) | PackageError::InUse(_) => Self::new(StatusCode::CONFLICT, "in-use", detail),
            PackageError::LastOwner(_) => Self::new(StatusCode::CONFLICT, "last-owner", detail),
            PackageError::Missing(_) => Self::unprocessable("missing-blob", detail),
            PackageError::TooMany(_) => Self::new(StatusCode::CONFLICT, "too-many", detail),
            PackageError::Cursor(_) => Self::new(StatusCode::BAD_REQUEST, "invalid-cursor", detail),
            PackageError::Storage(_) => Self::storage(detail),
        }
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        Self::unprocessable("unfit-model", error.to_string())
    }
}

impl From<ScoreError> for Problem {
    fn from(error: ScoreError) -> Self {
        let detail = error.to_string();
        match error {
            ScoreError::NotFound(_) => Self::not_found(detail),
            ScoreError::Invalid(_) => Self::unprocessable(code::INVALID_INPUT, detail),
            ScoreError::Busy => Self::busy(detail),
            ScoreError::Deadline => Self::new(StatusCode::GATEWAY_TIMEOUT, code::DEADLINE, detail),
            ScoreError::Failed(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, code::MODEL_FAILED, detail),
        }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        let detail = error.to_string();
        match error {
            JournalError::NotFound(_) => Self::not_found(detail).hint("`fn runs list` shows the runs there are"),
            JournalError::Stale(_) => Self::new(StatusCode::CONFLICT, "stale", detail),
            JournalError::State { .. } => Self::new(StatusCode::CONFLICT, "wrong-state", detail),
            JournalError::Cursor(_) => Self::new(StatusCode::BAD_REQUEST, "invalid-cursor", detail),
            JournalError::Storage(_) => Self::storage(detail),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let detail = error.to_string();
        match error {
            SubmitError::Invalid(problems) => {
                Self::unprocessable("invalid-pipeline", detail).mistakes(problems.into_iter().map(Mistake::from))
            }
            SubmitError::Journal(error) => error.into(),
            SubmitError::Deployments(error) => error.into(),
            SubmitError::Models(error) => error.into(),
            SubmitError::NoReproduction(_) => Self::new(StatusCode::CONFLICT, "no-reproduction", detail),
            SubmitError::Outside { .. } => Self::new(StatusCode::CONFLICT, "ran-outside", detail),
        }
    }
}

/// A call that failed as a whole.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match (failure.code.as_str(), failure.kind) {
            (code::NOT_FOUND, _) => StatusCode::NOT_FOUND,
            (code::OVERLOADED, _) => StatusCode::TOO_MANY_REQUESTS,
            (code::DEADLINE, _) => StatusCode::GATEWAY_TIMEOUT,
            (code::TOO_LARGE, _) => StatusCode::PAYLOAD_TOO_LARGE,
            (_, FailureKind::Invalid) => StatusCode::UNPROCESSABLE_ENTITY,
            (code::UNAVAILABLE | code::CANCELLED, FailureKind::Transient) => StatusCode::SERVICE_UNAVAILABLE,
            (_, FailureKind::Transient | FailureKind::Fatal) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Self::new(status, &failure.code, failure.message);
        match failure.retry_after_ms {
            Some(after) => problem.retry_after_s(after.div_ceil(1_000)),
            None => problem,
        }
    }
}
