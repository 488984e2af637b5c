//! Requests to the whole router.
