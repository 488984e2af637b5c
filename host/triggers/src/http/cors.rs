//! Cross-origin rules of a trigger.

use ::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::body::Body;
use host_core::manifest::Cors;

use super::problem::Problem;

/// The rules of one trigger, as headers.
#[derive(Debug)]
pub(super) struct Rules {
    origins: Origins,
    headers: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

#[derive(Debug)]
enum Origins {
    Any,
    These(Vec<HeaderValue>),
}

impl Rules {
    /// The rules of a manifest. What is no header value matches nothing.
    pub(super) fn new(cors: &Cors) -> Self {
        let any = cors.origins.iter().any(|it| it == "*");
        let these = || cors.origins.iter().filter_map(|it| HeaderValue::try_from(it.as_str()).ok()).collect();
        let headers = (!cors.headers.is_empty()).then(|| HeaderValue::try_from(cors.headers.join(", ")).ok());
        Self {
            origins: if any { Origins::Any } else { Origins::These(these()) },
            headers: headers.flatten(),
            max_age: cors.max_age_s.map(HeaderValue::from),
        }
    }

    /// Lets a page of `origin` read the answer, if it may.
    pub(super) fn allow(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        match &self.origins {
            Origins::Any => {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            }
            Origins::These(origins) => {
                // Also for those that may not, so that no cache gives the one's answer to the other.
                headers.append(header::VARY, HeaderValue::from_static("origin"));
                if origins.contains(origin) {
                    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                }
            }
        }
        let exposed = HeaderValue::from_static("x-weft-call-id, x-weft-revision");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }

    /// Answers a browser that asks whether it may make a request of `method`.
    pub(super) fn preflight(&self, method: Method, asked: &HeaderMap) -> Response<Body> {
        let Some(origin) = asked.get(header::ORIGIN).filter(|it| self.allows(it)) else {
            return Problem::other_origin().into_response();
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        self.allow(origin, headers);
        headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        if let Ok(method) = HeaderValue::try_from(method.as_str()) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method);
        }
        for (name, value) in
            [(header::ACCESS_CONTROL_ALLOW_HEADERS, &self.headers), (header::ACCESS_CONTROL_MAX_AGE, &self.max_age)]
        {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        response
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        match &self.origins {
            Origins::Any => true,
            Origins::These(origins) => origins.contains(origin),
        }
    }
}
